/* pins: heaps that would go back to the kernel but for a few chunks, and which chunks those are.
 *
 * glibc gives up a later heap of a secondary arena only as a whole, once nothing in it is in use
 * and it is the arena's newest (malloc/arena.c, heap_trim). The first one, which holds the
 * malloc_state, and brk memory only shrink from their end (systrim). To malloc what a thread cache
 * holds is in use. */
#ifndef ANALYZE_ATTRIBUTE_PINS_H
#define ANALYZE_ATTRIBUTE_PINS_H

#include "analyze/content/findings.h"
#include "analyze/heap/heap.h"
#include "analyze/report/model.h"

/* Fills out->pins, most held bytes first, with heaps in which pins hold PINS_LEAST_BYTES or more,
 * and PINS_TIMES as much as they have themselves. Heaps with damage are left out: what is in use
 * there nobody knows. `page_map` may be NULL. Rule ids are copied to the pool. */
enum {
	PINS_MAX = 50,
	PINS_GROUPS = 5,
	PINS_LAST = 8,
	PINS_TIMES = 4,
	PINS_LEAST_BYTES = 512 << 10
};
void pins_fill(struct report_heap *out, const struct heap *heap, const struct findings *findings,
			   const struct page_map *page_map, unsigned workers, struct pool *pool);

#endif
