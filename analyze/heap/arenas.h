/* arenas: every malloc_state of the process, and the layout they have in common. */
#ifndef ANALYZE_HEAP_ARENAS_H
#define ANALYZE_HEAP_ARENAS_H

#include "analyze/heap/layout.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/vec.h"

#include <stdbool.h>

/* What `why` of arenas_find is where the search was given up. */
extern const char arenas_given_up[];

/* What its malloc_state says. */
struct arena {
	vaddr address;
	bool main;
	bool locked;        /* mutex held */
	bool contiguous;    /* NONCONTIGUOUS_BIT is off: brk grows it */
	vaddr top;          /* chunk; 0 where the arena was never used */
	uint64_t top_bytes; /* from the top chunk's size word; 0 where it was not captured */
	uint64_t system_bytes;
};

typedef VEC(struct arena) arenas;

/* Finds the arenas and decides the class of malloc_state and of heap_info. Several rings (a second
 * libc of dlmopen) follow each other, each with its main arena first. Rings that were never
 * allocated from are left out. False where nothing was found or the class stays open; `why` then
 * says it in a few words (a constant), and what was found is anomalies' to tell. */
bool arenas_find(const struct image *image, const struct regions *regions, unsigned workers,
				 struct layout *layout, arenas *found, const char **why,
				 struct anomalies *anomalies);

#endif
