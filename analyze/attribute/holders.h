/* holders: every word of the process that points into a range: who holds a chunk. */
#ifndef ANALYZE_ATTRIBUTE_HOLDERS_H
#define ANALYZE_ATTRIBUTE_HOLDERS_H

#include "analyze/attribute/pointers.h"
#include "analyze/attribute/roots.h"
#include "analyze/input/core.h"
#include "base/progress.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>

struct holder {
	vaddr at;             /* of the word; registers: 0 */
	vaddr target;         /* what it says */
	size_t thread, index; /* of a register */
};

/* Registers, then words of roots, then of live chunks, each by address; at most `limit` of each. */
struct holders {
	VEC(struct holder) registers, roots, chunks;
	uint64_t total; /* of all */
	uint64_t stale; /* words in freed chunks: left there, no references */
};

/* Reads all that was captured once. The same for any number of workers. The caller ends with
 * holders_deinit. */
void holders_find(struct holders *holders, const struct core *core, const struct image *image,
				  const struct roots *roots, const struct chunk_table *table, struct range range,
				  size_t limit, unsigned workers, struct progress *progress);
void holders_deinit(struct holders *holders);

#endif
