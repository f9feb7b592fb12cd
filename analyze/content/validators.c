#include "analyze/content/validators.h"

#include <string.h>

static const struct validator validators[] = {
	{ "zip_local_header", validate_zip_local_header, "entry" },
	{ "zip_central_directory", validate_zip_central_directory, "entry" },
	{ "jar_manifest", validate_jar_manifest, "title" },
	{ "java_class", validate_java_class, "class" },
	{ "json_value", validate_json_value, "keys" },
	{ "websocket_frame", validate_websocket_frame, "keys" },
	{ "http_message", validate_http_message, NULL },
	{ "gzip", validate_gzip, NULL },
	{ "zlib", validate_zlib, NULL },
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
