/* trim: what malloc_trim(0) would give back to the kernel (glibc malloc/malloc.c, mtrim, systrim,
 * malloc_consolidate). */
#ifndef ANALYZE_HEAP_TRIM_H
#define ANALYZE_HEAP_TRIM_H

#include "analyze/heap/layout.h"
#include "analyze/memory/chunks.h"
#include "archive/page_map.h"

#include <stdbool.h>

/* Resident bytes that malloc_trim(0) would free in the block: fastbin chunks are first joined with
 * their free neighbours; then whole pages inside each free chunk go, and, where `brk_top`, the end
 * of the top chunk. The top of a secondary arena is never touched. 0 without a page map. */
uint64_t trim_block(const struct chunk_block *block, const struct layout *layout, bool brk_top,
					const struct page_map *page_map);

#endif
