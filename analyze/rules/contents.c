#include "analyze/rules/contents.h"

#include <string.h>

static const struct content_kind kinds[] = {
	{ "zlib_window", inflate_window_arrange, INFLATE_WINDOW_STATE, INFLATE_WINDOW_BYTES },
};

const char *const content_captures[] = { "origin", "package", "class", NULL };

const struct content_kind *content_kind_find(const char *name)
{
	const struct content_kind *kind;

	for (size_t i = 0; (kind = content_kind_at(i)); i++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

const struct content_kind *content_kind_at(size_t index)
{
	return index < sizeof kinds / sizeof *kinds ? &kinds[index] : NULL;
}
