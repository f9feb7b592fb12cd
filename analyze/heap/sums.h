/* sums: what the chunks add up to: of each arena by state, what of it malloc_trim would give back,
 * and of the mappings of mmapped chunks. */
#ifndef ANALYZE_HEAP_SUMS_H
#define ANALYZE_HEAP_SUMS_H

#include "analyze/heap/heap.h"

/* Fills the sums of the heap and its arenas from the table of chunks. `thp_page` is the huge page
 * in whose steps brk memory shrinks, 0: none. Resident bytes only where there is a page map. */
void sums_fill(struct heap *heap, const struct layout *layout, uint64_t thp_page,
			   const struct page_map *page_map, unsigned workers);

#endif
