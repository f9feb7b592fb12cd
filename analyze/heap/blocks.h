/* blocks: the memory that each arena owns: heap_info blocks of secondary arenas, brk memory or
 * mapped regions of the main one, each with its first chunk and where its chunks end. */
#ifndef ANALYZE_HEAP_BLOCKS_H
#define ANALYZE_HEAP_BLOCKS_H

#include "analyze/heap/arenas.h"
#include "analyze/heap/layout.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/vec.h"

#include <stdbool.h>

struct arena_block {
	struct range range;
	vaddr first;  /* first chunk */
	vaddr last;   /* the top chunk, or the fencepost that terminates the block */
	bool has_top; /* which of the two */
	bool main;    /* memory of a main arena: its chunks have no NON_MAIN flag */
	int arena;    /* index into the arenas */
};

typedef VEC(struct arena_block) arena_blocks;

/* Finds the blocks of every arena, by ascending address; also decides layout->heap_max. Where what
 * is found does not add up to system_mem, an anomaly says so. */
void blocks_find(const struct image *image, const struct regions *regions, struct layout *layout,
				 const arenas *found, arena_blocks *blocks, struct anomalies *anomalies);

/* The block that holds the address, or NULL. `blocks` must be sorted, as blocks_find leaves them.
 */
const struct arena_block *blocks_at(const arena_blocks *blocks, vaddr address);

/* Where the chunks of a block end that is not its arena's newest: the second fencepost
 * (malloc/malloc.c, sysmalloc). */
vaddr blocks_terminator(const struct layout *layout, vaddr end);

#endif
