/* match_list: a capture put together from several names, "a,b,c". */
#ifndef ANALYZE_VALIDATORS_MATCH_LIST_H
#define ANALYZE_VALIDATORS_MATCH_LIST_H

#include "analyze/validators/match.h"

#include <string.h>

/* Room that is kept for the "..." of a list that goes on. */
enum { MATCH_LIST_TAIL = 4 };

/* Starts an empty list. A match has room for one. */
static inline void match_list_begin(struct match *match)
{
	match->built_size = 0;
}

/* Adds a name behind the separator. False where there is no room: the list then ends with "..." and
 * nothing more may be added. */
static inline bool match_list_add(struct match *match, char separator, struct span name)
{
	size_t room = sizeof match->built - match->built_size;
	bool fits = name.size + 1 + MATCH_LIST_TAIL <= room;

	if (!fits)
		name = span_string("...");
	if (match->built_size)
		match->built[match->built_size++] = separator;
	if (name.size)
		memcpy(match->built + match->built_size, name.data, name.size);
	match->built_size += name.size;
	return fits;
}

/* Makes the list the capture of that name. */
static inline void match_list_end(struct match *match, const char *name)
{
	match_set(match, name, span_make(match->built, match->built_size));
}

#endif
