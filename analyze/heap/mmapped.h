/* mmapped: chunks in mappings of their own (glibc malloc/malloc.c, sysmalloc_mmap). No list of them
 * exists: they are found by their headers at page starts. */
#ifndef ANALYZE_HEAP_MMAPPED_H
#define ANALYZE_HEAP_MMAPPED_H

#include "analyze/heap/layout.h"
#include "analyze/heap/anonymous.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"

/* What was found, to be compared with malloc_par. */
struct mmapped_found {
	uint64_t count;
	uint64_t bytes; /* of the mappings */
};

/* Adds a block for each mapping found in the runs: the chunk, and what is unused before and behind
 * it. The runs hold no memory of arenas. */
struct mmapped_found mmapped_find(const struct image *image, const struct layout *layout,
								  const anonymous_runs *runs, struct chunk_table *chunks);

/* Where more were found than malloc_par counts (`n_mmaps` of `mmapped_mem` bytes), bytes of the
 * program look like headers: drops the smallest ones, if without them number and bytes are right
 * and no other choice would do. Otherwise all stay. */
void mmapped_drop_false(const struct layout *layout, uint64_t n_mmaps, uint64_t mmapped_mem,
						struct chunk_table *chunks, struct mmapped_found *found);

#endif
