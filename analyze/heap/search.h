/* search: looks through memory for the one pattern that every initialised malloc_state has.
 *
 * Bin 127 is never used, so its header always points to itself: in every release and ABI
 * bins[252] == bins[253] == &bins[252] - 2 words (malloc.c, malloc_init_state and bin_at). */
#ifndef ANALYZE_HEAP_SEARCH_H
#define ANALYZE_HEAP_SEARCH_H

#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/vec.h"

/* Addresses of possible bins[0], ascending. Most are false: any empty bin has the pattern. */
typedef VEC(vaddr) search_hits;

/* Writable data of modules: there main_arena is. */
void search_modules(const struct image *image, const struct regions *regions, unsigned workers,
					search_hits *hits);

/* All writable memory that may hold a malloc_state: for cores that do not tell what is a module. */
void search_everything(const struct image *image, const struct regions *regions, unsigned workers,
					   search_hits *hits);

#endif
