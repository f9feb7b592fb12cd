/* validators: code that proves what a pattern cannot: lengths that agree, tables that walk, text
 * that parses. A rule names them; each says how far the bytes are what the rule takes them for. */
#ifndef ANALYZE_VALIDATORS_VALIDATORS_H
#define ANALYZE_VALIDATORS_VALIDATORS_H

#include "analyze/validators/match.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* Checks a match. `bytes` starts at the match's start and reaches to the end of what may be read of
 * its chunk. True where it holds; match->extent is then what is proven (raised, or set where the
 * format says exactly where it ends), and captures the validator provides are set. */
typedef bool validator_run(struct span bytes, struct match *match);

struct validator {
	const char *name;
	validator_run *run;
	const char *provides; /* name of a capture it sets, or NULL */
};

/* The validator of that name, or NULL. */
const struct validator *validator_find(const char *name);

/* Validator `index` of the table; NULL behind the last. */
const struct validator *validator_at(size_t index);

/* Raises the extent. */
static inline void match_extend(struct match *match, size_t extent)
{
	if (extent > match->extent)
		match->extent = extent;
}

/* Sets a capture that is put together of `format` and what follows; cut to the room of
 * match->built, which holds one capture a match. */
void match_build(struct match *match, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The validators, each in a file of its format: validate_zip.c, validate_java.c, validate_json.c,
 * validate_http.c and so on. What they check and where that is written is said there. */
validator_run validate_java_class, validate_jar_manifest;
validator_run validate_json_value, validate_websocket_frame;
validator_run validate_http_message;
/* databases */
validator_run validate_sqlite_header, validate_sqlite_wal;
validator_run validate_avro_container, validate_parquet_footer;
/* media */
validator_run validate_png, validate_jpeg, validate_gif, validate_riff, validate_iso_bmff;
validator_run validate_matroska, validate_woff;
validator_run validate_ogg_page, validate_font_tables, validate_pdf;
/* languages */
validator_run validate_elf_header, validate_wasm_module, validate_llvm_bitcode;
validator_run validate_pyc, validate_pickle, validate_numpy_header;
/* archives */
validator_run validate_zip_local_header, validate_zip_central_directory, validate_zip_end;
validator_run validate_tar_header, validate_7z_archive, validate_jimage;
/* compression */
validator_run validate_gzip, validate_zlib, validate_zstd_frame, validate_lz4_frame;
validator_run validate_snappy_frame, validate_xz_stream, validate_bzip2;
/* jvm */
validator_run validate_java_serialized, validate_hprof, validate_jfr_chunk, validate_nmt_block;
/* crypto */
validator_run validate_pem, validate_certificate, validate_certificate_body, validate_private_key;
validator_run validate_openssh_key, validate_jwt, validate_tls_records;

/* web */
validator_run validate_websocket_masked, validate_websocket_chain, validate_http2_frames;
validator_run validate_stomp_frame, validate_sse_event, validate_multipart_part;
validator_run validate_xml_document, validate_soap_envelope, validate_html_document;

/* wire */
validator_run validate_mqtt_connect, validate_amqp_message, validate_kafka_batch;
validator_run validate_nats_message, validate_memcached_value, validate_resp_array;
validator_run validate_mysql_columns, validate_postgres_result, validate_postgres_error;
validator_run validate_mongodb_message, validate_thrift_message, validate_prometheus_metric;

/* text */
validator_run validate_sql_statement, validate_encoded_text, validate_utf16_text;

#endif
