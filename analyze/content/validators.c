#include "analyze/content/validators.h"

#include <string.h>

static const struct validator validators[] = {
	{ "jar_manifest", validate_jar_manifest, "title" },
	{ "java_class", validate_java_class, "class" },
	{ "json_value", validate_json_value, "keys" },
	{ "websocket_frame", validate_websocket_frame, "keys" },
	{ "http_message", validate_http_message, NULL },

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
