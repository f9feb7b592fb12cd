/* bins: the chunks that each arena's bin lists hold, against what the chunks' own flags said.
 *
 * The walk knows free chunks by the PREV_INUSE bit behind them; the lists are the second witness.
 * Both are written by the same call of malloc, but not together. Source: glibc malloc/malloc.c,
 * struct malloc_state ("bins"), bin_at, unlink_chunk. */
#ifndef ANALYZE_HEAP_BINS_H
#define ANALYZE_HEAP_BINS_H

#include "analyze/heap/heap.h"
#include "analyze/heap/layout.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/image.h"

/* What an arena's lists hold. */
struct bins_found {
	uint64_t chunks;
	uint64_t bytes;
	vaddr broken; /* where a list first leads to what is no chunk; 0: no list does */
};

/* Follows all lists of the malloc_state forwards. No chunk is larger than `bytes_most`. Stops
 * behind `chunks_most` of them, so that a list that loops ends. */
struct bins_found bins_follow(const struct image *image, const struct layout *layout, vaddr arena,
							  uint64_t chunks_most, uint64_t bytes_most);

/* Compares each arena's lists with its CHUNK_BINNED sums, which must be complete: one anomaly at
 * most an arena, which says what was expected and what can explain the difference. `live`: the
 * process ran during the capture. */
void bins_compare(const struct image *image, const struct layout *layout, const struct heap *heap,
				  bool live, unsigned workers, struct anomalies *anomalies);

#endif
