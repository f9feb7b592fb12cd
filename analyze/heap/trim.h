/* trim: what malloc_trim(0) would give back to the kernel, and why the rest stays (glibc
 * malloc/malloc.c, mtrim, systrim, malloc_consolidate). */
#ifndef ANALYZE_HEAP_TRIM_H
#define ANALYZE_HEAP_TRIM_H

#include "analyze/heap/layout.h"
#include "analyze/memory/chunks.h"
#include "archive/page_map.h"

#include <stdint.h>

/* Why resident bytes of free chunks are pinned: malloc_trim(0) would not give them back. */
enum trim_cause {
	TRIM_CACHE, /* in a tcache: to malloc that is in use */
	TRIM_SMALL, /* a free stretch without a whole page in it */
	TRIM_EDGE,  /* the ends of a longer one, on pages of its neighbours or of its own links */
	TRIM_TOP,   /* a top that malloc_trim does not touch: all but that at the end of the break */
	TRIM_CAUSES
};

/* All of it resident bytes of free chunks but for live_*. */
struct trim_sum {
	uint64_t bytes; /* that malloc_trim(0) would free */
	uint64_t pinned[TRIM_CAUSES];
	uint64_t live_chunks; /* in use, on a page with bytes pinned as small or edge */
	uint64_t live_bytes;
};

/* Adds up the block: fastbin chunks are first joined with their free neighbours; then whole pages
 * inside each free chunk go, and the end of the top chunk in steps of `top_unit` bytes (a power of
 * two; 0: top is not touched). Nothing without a page map. */
void trim_block(const struct chunk_block *block, const struct layout *layout, uint64_t top_unit,
				const struct page_map *page_map, struct trim_sum *sum);

void trim_add(struct trim_sum *sum, const struct trim_sum *more);

#endif
