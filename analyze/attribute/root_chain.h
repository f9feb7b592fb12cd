/* root_chain: a shortest chain of pointers from a root to a chunk. Own memory: eight bytes for each
 * chunk. */
#ifndef ANALYZE_ATTRIBUTE_ROOT_CHAIN_H
#define ANALYZE_ATTRIBUTE_ROOT_CHAIN_H

#include "analyze/attribute/chunk_numbers.h"
#include "analyze/attribute/roots.h"
#include "analyze/input/core.h"
#include "base/progress.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct root_chain {
	bool known;           /* false: more chunks than can be numbered */
	vaddr at;             /* of the word of a root that begins the chain; 0: a register */
	size_t thread, index; /* of that register */
	VEC(struct chunk_place)
	chunks; /* the first is what the root points to, the last is the chunk
			 * that was asked for; empty: unreachable */
};

/* Looks breadth first, from the roots in the order of enum root_kind. The caller ends with
 * root_chain_deinit. */
void root_chain_find(struct root_chain *chain, const struct core *core, const struct image *image,
					 const struct roots *roots, const struct chunk_table *table,
					 struct chunk_place target, struct progress *progress);
void root_chain_deinit(struct root_chain *chain);

/* Address of the first word of chunk `from` that leads to `to`; 0 where none does. */
vaddr root_chain_word(struct pointers *pointers, struct chunk_place from, struct chunk_place to);

#endif
