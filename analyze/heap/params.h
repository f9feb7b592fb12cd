/* params: malloc_par, the one variable `mp_` of malloc, beside main_arena in libc's data
 * (glibc malloc/malloc.c, struct malloc_par). It knows how many mmapped chunks there must be. */
#ifndef ANALYZE_HEAP_PARAMS_H
#define ANALYZE_HEAP_PARAMS_H

#include "analyze/heap/arenas.h"
#include "analyze/heap/blocks.h"
#include "analyze/heap/layout.h"
#include "analyze/memory/image.h"

#include <stdbool.h>

struct params {
	vaddr address;
	uint32_t n_mmaps;     /* mmapped chunks */
	uint64_t mmapped_mem; /* bytes of their mappings */
	uint64_t thp_page;    /* huge page in whose steps brk memory grows and shrinks; 0: none */
	uint64_t huge_page;   /* in which mmapped chunks lie that have room for one; 0: none */
};

/* Looks for it around each main arena (each dlmopen namespace has a libc) by the one value that is
 * computed elsewhere: sbrk_base, where the arena's brk memory starts, or its first region where brk
 * memory was never to be had (malloc.c, sysmalloc). Gives the sum of all, with the address and page
 * size of the first, and sets layout->params. False where one is not found. */
bool params_find(const struct image *image, struct layout *layout, const arenas *found,
				 const arena_blocks *blocks, struct params *params);

#endif
