/* mmapped: chunks in mappings of their own (glibc malloc/malloc.c, sysmalloc_mmap). No list of them
 * exists: they are found by their headers at page starts. */
#ifndef ANALYZE_HEAP_MMAPPED_H
#define ANALYZE_HEAP_MMAPPED_H

#include "analyze/heap/anonymous.h"
#include "analyze/heap/layout.h"
#include "analyze/heap/params.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"

/* What was found, to be compared with malloc_par. */
struct mmapped_found {
	uint64_t count;
	uint64_t bytes; /* of the mappings */
};

/* Adds a block for each mapping found in the runs (more where it is too long for one): the chunk,
 * and what is unused before and behind it. The runs hold no memory of arenas. `params` may be NULL,
 * not known; where it contradicts what a quick search finds, a thorough one is made, and what only
 * looks like a mapping is dropped if that can be told. */
struct mmapped_found mmapped_find(const struct image *image, const struct layout *layout,
								  const anonymous_runs *runs, const struct params *params,
								  struct chunk_table *chunks);

/* Says where malloc knows of other chunks, or other bytes, than were found. */
void mmapped_compare(const struct layout *layout, const struct params *params,
					 const struct mmapped_found *found, struct anomalies *anomalies);

#endif
