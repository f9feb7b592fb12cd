/* anchor: a shortest chain of pointers from a root to a chunk. Own memory: eight bytes for each
 * chunk. */
#ifndef ANALYZE_ATTRIBUTE_ANCHOR_H
#define ANALYZE_ATTRIBUTE_ANCHOR_H

#include "analyze/attribute/chunk_numbers.h"
#include "analyze/attribute/roots.h"
#include "analyze/input/core.h"
#include "base/progress.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct anchor {
	bool known;           /* false: more chunks than can be numbered */
	vaddr at;             /* of the word of a root that begins the chain; 0: a register */
	size_t thread, index; /* of that register */
	VEC(struct chunk_place)
	chunks; /* the first is what the root points to, the last is the chunk
			 * that was asked for; empty: unreachable */
};

/* Looks breadth first, from the roots in the order of enum root_kind. The caller ends with
 * anchor_deinit. */
void anchor_find(struct anchor *anchor, const struct core *core, const struct image *image,
				 const struct roots *roots, const struct chunk_table *table,
				 struct chunk_place target, struct progress *progress);
void anchor_deinit(struct anchor *anchor);

/* Address of the first word of chunk `from` that leads to `to`; 0 where none does. */
vaddr anchor_word(struct pointers *pointers, struct chunk_place from, struct chunk_place to);

#endif
