/* source: where content stands that rules cannot read as it is: a compressed stream, or the window
 * of an inflater. Sources are collected when hits are joined, and looked into afterwards. */
#ifndef ANALYZE_CONTENT_SOURCE_H
#define ANALYZE_CONTENT_SOURCE_H

#include "analyze/content/contents.h"
#include "analyze/validators/match.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct source {
	vaddr at;                           /* of the stream or the window; 0: the hit has none (now) */
	vaddr structure;                    /* the hit's start: what arranges a window stands there */
	const struct content_kind *content; /* of a window; NULL: a stream */
	enum match_packed format;           /* of a stream */
	uint32_t rule;                      /* of the hit, in the set */
	uint32_t hit, hits;                 /* the first hit and how many: with those that it claims */
	bool live;
};

/* As many are kept, at 48 bytes each; of more only the number. */
enum { SOURCES_MAX = 1 << 19 };

/* Collected by the join. */
struct sources {
	VEC(struct source) items;
	uint64_t *dropped; /* per rule of the set */
};

#endif
