/* match: one place where a rule's pattern matched, with its named captures. */
#ifndef ANALYZE_VALIDATORS_MATCH_H
#define ANALYZE_VALIDATORS_MATCH_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names a rule can refer to: captures of its pattern, then what its validators provide. */
enum { MATCH_CAPTURES = 16 };

struct match_capture {
	const char *name; /* lives as long as the rule */
	struct span text; /* data NULL: the group took no part in the match */
};

/* What a validator has found to be a compressed stream: its bytes are content of their own. */
enum match_packed {
	MATCH_NOT_PACKED,
	MATCH_GZIP,    /* RFC 1952, from its magic on */
	MATCH_ZLIB,    /* RFC 1950, from its header on */
	MATCH_DEFLATE, /* RFC 1951, raw: the data of a ZIP entry */
};

struct match {
	size_t bytes;  /* matched by the pattern */
	size_t extent; /* from the match's start, proven by validators; at least `bytes` */
	size_t captures;
	struct match_capture capture[MATCH_CAPTURES];
	char built[160]; /* a capture that a validator put together, e.g. a list of JSON keys */
	size_t built_size;
	enum match_packed packed;
	size_t packed_at; /* from the match's start to the stream's */
	uint64_t work;    /* bytes that validators have read or made, where they may be many */
};

static inline const struct match_capture *match_find(const struct match *match, const char *name)
{
	for (size_t i = 0; i < match->captures; i++)
		if (__builtin_strcmp(match->capture[i].name, name) == 0)
			return &match->capture[i];
	return NULL;
}

/* Sets the capture of that name, adding it where there is none and room is left. */
static inline void match_set(struct match *match, const char *name, struct span text)
{
	for (size_t i = 0; i < match->captures; i++)
		if (__builtin_strcmp(match->capture[i].name, name) == 0) {
			match->capture[i].text = text;
			return;
		}
	if (match->captures < MATCH_CAPTURES)
		match->capture[match->captures++] = (struct match_capture){ name, text };
}

/* Counts what a validator has read or made, whether it refuses or not: what it costs to look at one
 * place again and again is bounded by the scan, which cannot see it otherwise. For validators that
 * may read more than a few KiB from a match on. */
static inline void match_worked(struct match *match, uint64_t bytes)
{
	match->work += bytes;
}

/* Raises the extent. */
static inline void match_extend(struct match *match, size_t extent)
{
	if (extent > match->extent)
		match->extent = extent;
}

/* A capture may be put together; a match has room for one, in `built`. Either of a format and what
 * follows, cut to that room: */
void match_build(struct match *match, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* or name by name: begin empties the list, add appends a name behind the separator, and end makes
 * the list the capture. add gives false where there is no room: the list then ends with "..." and
 * nothing more may be added. */
void match_list_begin(struct match *match);
bool match_list_add(struct match *match, char separator, struct span name);
void match_list_end(struct match *match, const char *name);

#endif
