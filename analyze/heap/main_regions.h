/* main_regions: the memory of a main arena: one stretch grown by brk, or, where brk failed, regions
 * that malloc mapped and did not link to each other. */
#ifndef ANALYZE_HEAP_MAIN_REGIONS_H
#define ANALYZE_HEAP_MAIN_REGIONS_H

#include "analyze/heap/blocks.h"

/* Appends the arena's blocks; `blocks` holds those of the secondary arenas already. The arena must
 * have been used: its top or its system_mem is not 0. */
void main_regions_find(const struct image *image, const struct regions *regions,
					   const struct layout *layout, const struct arena *arena, int index,
					   arena_blocks *blocks, struct anomalies *anomalies);

#endif
