/* reach: which live chunks a program can still reach, by a chain of pointers from its roots. A
 * chunk that is reached is anchored. One that is not is unreachable: nothing that was captured
 * leads to it. That is no proof of a leak: a program may keep a pointer encoded, in a vector
 * register, or in memory that was not captured.
 *
 * Every root and every anchored chunk is read once. Own memory: four bits for each chunk, and a
 * stack of at most 16,384 chunks for each worker; what does not fit on it is found again in the
 * bits. */
#ifndef ANALYZE_ATTRIBUTE_REACH_H
#define ANALYZE_ATTRIBUTE_REACH_H

#include "analyze/attribute/chunk_numbers.h"
#include "analyze/attribute/roots.h"
#include "analyze/input/core.h"
#include "base/progress.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What is known of a chunk: planes of bits. */
enum reach_plane {
	REACH_ANCHORED,
	REACH_READ,  /* and its words have been followed, or are about to be */
	REACH_EXACT, /* anchored, and one of the pointers leads to its start */
	REACH_HELD,  /* not anchored, but another chunk that is not points to it */
	REACH_PLANES
};

/* What one kind of root adds. */
struct reach_sum {
	uint64_t bytes;      /* that were captured and read */
	uint64_t references; /* words of them that lead to live chunks */
	uint64_t chunks,
		chunk_bytes; /* anchored from here, and by no kind before it in enum root_kind */
};

struct reach {
	const struct chunk_table *table;
	struct chunk_numbers numbers;
	size_t words; /* of a plane */
	_Atomic(uint64_t) *planes[REACH_PLANES];
	struct reach_sum sums[ROOT_KINDS];
};

/* Follows all pointers. The result is the same for any number of workers. The caller ends with
 * reach_deinit. */
void reach_init(struct reach *reach, const struct core *core, const struct image *image,
				const struct roots *roots, const struct chunk_table *table, unsigned workers,
				struct progress *progress);
void reach_deinit(struct reach *reach);

/* The bit of chunk `index` of the block. */
static inline bool reach_has(const struct reach *reach, enum reach_plane plane, size_t block,
							 size_t index)
{
	size_t number = reach->numbers.first[block] + index;

	return atomic_load_explicit(&reach->planes[plane][number / 64], memory_order_relaxed) >>
			   number % 64 &
		   1;
}

#endif
