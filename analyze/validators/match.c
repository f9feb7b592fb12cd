#include "analyze/validators/match.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room that is kept for the "..." of a list that goes on. */
enum { LIST_TAIL = 4 };

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

void match_list_begin(struct match *match)
{
	match->built_size = 0;
}

bool match_list_add(struct match *match, char separator, struct span name)
{
	size_t room = sizeof match->built - match->built_size;
	bool fits = name.size + 1 + LIST_TAIL <= room;

	if (!fits)
		name = span_string("...");
	if (match->built_size)
		match->built[match->built_size++] = separator;
	if (name.size)
		memcpy(match->built + match->built_size, name.data, name.size);
	match->built_size += name.size;
	return fits;
}

void match_list_end(struct match *match, const char *name)
{
	match_set(match, name, span_make(match->built, match->built_size));
}
