/* span_index: numbers for byte strings, in order of first sight. */
#ifndef BASE_SPAN_INDEX_H
#define BASE_SPAN_INDEX_H

#include "base/pool.h"
#include "base/span.h"
#include "base/vec.h"

#include <stdint.h>

/* Zero-initialised is empty. The strings are copied. */
struct span_index {
	VEC(struct span) items; /* by number */
	uint64_t *slots;        /* hash and number + 1, or 0; open addressing */
	size_t slot_count;      /* a power of two, or 0 */
	struct pool pool;
};

#define SPAN_INDEX_NONE UINT32_MAX

void span_index_deinit(struct span_index *index);

/* The number of the string, a new one where it was not seen yet. */
uint32_t span_index_add(struct span_index *index, struct span text);

/* The number of the string, or SPAN_INDEX_NONE. */
uint32_t span_index_find(const struct span_index *index, struct span text);

#endif
