/* lost: ranges of the plain file whose bytes are no evidence: damaged, or never written. */
#ifndef ANALYZE_INPUT_LOST_H
#define ANALYZE_INPUT_LOST_H

#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct lost_range {
	uint64_t start, end; /* file offsets */
	const char *reason;  /* owned by whoever made the list */
};

/* By ascending offset, not overlapping. */
typedef VEC(struct lost_range) lost_ranges;

/* Index of the first range that ends behind the offset (count: none). */
static inline size_t lost_find(const lost_ranges *lost, uint64_t offset)
{
	size_t low = 0, high = lost->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lost->items[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* True where a byte of [start, end) is lost. */
static inline bool lost_meets(const lost_ranges *lost, uint64_t start, uint64_t end)
{
	size_t index = lost_find(lost, start);

	return index < lost->count && lost->items[index].start < end;
}

#endif
