/* sums: what the chunks of a block add up to, state by state. */
#ifndef ANALYZE_HEAP_SUMS_H
#define ANALYZE_HEAP_SUMS_H

#include "analyze/heap/heap.h"

/* Adds each chunk to the sum of its state. Resident bytes only where there is a page map. */
void sums_block(const struct chunk_block *block, const struct page_map *page_map,
				struct chunk_sum sums[CHUNK_STATES]);

/* Adds one to the other. */
void sums_add(struct chunk_sum sums[CHUNK_STATES], const struct chunk_sum more[CHUNK_STATES]);

#endif
