#include "analyze/validators/validators.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct validator validators[] = {
	{ "jar_manifest", validate_jar_manifest, "title" },
	{ "java_class", validate_java_class, "class" },
	{ "json_value", validate_json_value, "keys" },
	{ "websocket_frame", validate_websocket_frame, "keys" },
	{ "http_message", validate_http_message, NULL },

	/* web */
	{ "websocket_masked", validate_websocket_masked, "keys" },
	{ "websocket_chain", validate_websocket_chain, "sender" },
	{ "http2_frames", validate_http2_frames, "frames" },
	{ "stomp_frame", validate_stomp_frame, "destination" },
	{ "sse_event", validate_sse_event, "event" },
	{ "multipart_part", validate_multipart_part, NULL },
	{ "xml_document", validate_xml_document, "root" },
	{ "soap_envelope", validate_soap_envelope, "operation" },
	{ "html_document", validate_html_document, "title" },

	/* wire */
	{ "mqtt_connect", validate_mqtt_connect, "version" },
	{ "amqp_message", validate_amqp_message, "route" },
	{ "kafka_batch", validate_kafka_batch, "codec" },
	{ "nats_message", validate_nats_message, NULL },
	{ "memcached_value", validate_memcached_value, NULL },
	{ "resp_array", validate_resp_array, "command" },
	{ "mysql_columns", validate_mysql_columns, "table" },
	{ "postgres_result", validate_postgres_result, "columns" },
	{ "postgres_error", validate_postgres_error, "class" },
	{ "mongodb_message", validate_mongodb_message, "command" },
	{ "thrift_message", validate_thrift_message, "method" },
	{ "prometheus_metric", validate_prometheus_metric, "metric" },

	/* text */
	{ "sql_statement", validate_sql_statement, "statement" },
	{ "encoded_text", validate_encoded_text, "kind" },
	{ "utf16_text", validate_utf16_text, NULL },
	/* archives */
	{ "zip_local_header", validate_zip_local_header, "entry" },
	{ "zip_central_directory", validate_zip_central_directory, "entry" },
	{ "zip_end", validate_zip_end, "archive" },
	{ "tar_header", validate_tar_header, "entry" },
	{ "7z_archive", validate_7z_archive, NULL },
	{ "jimage", validate_jimage, NULL },
	/* compression */
	{ "gzip", validate_gzip, NULL },
	{ "zlib", validate_zlib, NULL },
	{ "zstd_frame", validate_zstd_frame, NULL },
	{ "lz4_frame", validate_lz4_frame, NULL },
	{ "snappy_frame", validate_snappy_frame, NULL },
	{ "xz_stream", validate_xz_stream, NULL },
	{ "bzip2", validate_bzip2, NULL },
	/* jvm */
	{ "java_serialized", validate_java_serialized, "class" },
	{ "hprof", validate_hprof, NULL },
	{ "jfr_chunk", validate_jfr_chunk, NULL },
	{ "nmt_block", validate_nmt_block, "tag" },
	/* crypto */
	{ "pem", validate_pem, NULL },
	{ "certificate", validate_certificate, "subject" },
	{ "certificate_body", validate_certificate_body, "subject" },
	{ "private_key", validate_private_key, "kind" },
	{ "openssh_key", validate_openssh_key, "cipher" },
	{ "jwt", validate_jwt, "alg" },
	{ "tls_records", validate_tls_records, "content" },
	/* databases */
	{ "sqlite_header", validate_sqlite_header, NULL },
	{ "sqlite_wal", validate_sqlite_wal, NULL },
	{ "avro_container", validate_avro_container, "name" },
	{ "parquet_footer", validate_parquet_footer, "writer" },
	/* media */
	{ "png", validate_png, "size" },
	{ "jpeg", validate_jpeg, "size" },
	{ "gif", validate_gif, "size" },
	{ "riff", validate_riff, "form" },
	{ "iso_bmff", validate_iso_bmff, "brand" },
	{ "matroska", validate_matroska, "type" },
	{ "ogg_page", validate_ogg_page, "codec" },
	{ "font_tables", validate_font_tables, "font" },
	{ "woff", validate_woff, NULL },
	{ "pdf", validate_pdf, NULL },
	/* languages */
	{ "elf_header", validate_elf_header, "kind" },
	{ "wasm_module", validate_wasm_module, NULL },
	{ "llvm_bitcode", validate_llvm_bitcode, NULL },
	{ "pyc", validate_pyc, "file" },
	{ "pickle", validate_pickle, "class" },
	{ "numpy_header", validate_numpy_header, "type" },
};

enum { COUNT = sizeof validators / sizeof *validators };

const struct validator *validator_find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(validators[i].name, name) == 0)
			return &validators[i];
	return NULL;
}

const struct validator *validator_at(size_t index)
{
	return index < COUNT ? &validators[index] : NULL;
}

void match_build(struct match *match, const char *name, const char *format, ...)
{
	va_list values;
	int size;

	va_start(values, format);
	size = vsnprintf(match->built, sizeof match->built, format, values);
	va_end(values);
	match->built_size = size < (int)sizeof match->built ? (size_t)size : sizeof match->built - 1;
	match_set(match, name, span_make(match->built, match->built_size));
}
