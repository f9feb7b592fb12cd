/* match: one place where a rule's pattern matched, with its named captures. */
#ifndef ANALYZE_VALIDATORS_MATCH_H
#define ANALYZE_VALIDATORS_MATCH_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

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

#endif
