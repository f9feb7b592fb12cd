/* heap: glibc's malloc in the image: its arenas, every chunk and its state, which thread uses which
 * arena. No symbols, no version numbers: the layout is inferred from the memory itself. */
#ifndef ANALYZE_HEAP_HEAP_H
#define ANALYZE_HEAP_HEAP_H

#include "analyze/heap/trim.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/progress.h"

#include <stdbool.h>
#include <stdint.h>

/* Chunks of one kind. resident_bytes is 0 where residency is unknown. */
struct chunk_sum {
	uint64_t chunks;
	uint64_t bytes;
	uint64_t resident_bytes;
};

struct heap_arena {
	vaddr address; /* of its malloc_state */
	bool main;
	unsigned heaps;        /* heap_info blocks of a secondary arena; 1 for the main one */
	uint64_t system_bytes; /* malloc_state.system_mem */
	uint64_t block_bytes;  /* of its blocks as found: system_bytes, where all is well */
	struct chunk_sum states[CHUNK_STATES];
	struct trim_sum trim;
	bool locked; /* its mutex was held at the capture: lists may be half updated */
};

struct heap_thread {
	uint32_t tid;
	int arena; /* index, or -1: never allocated, or not known */
};

/* The range of a heap_info block (or of the main arena's brk memory) as the arena owns it. */
struct heap_block {
	struct range range; /* [heap_info, heap_info + size), or [sbrk_base, top end) */
	int arena;
	bool has_top;             /* the arena's top chunk lies in it, at its end */
	bool shrinks;             /* it is brk memory, and its end is the break */
	uint64_t trimmable_bytes; /* resident bytes that malloc_trim(0) would give back */
};

struct heap {
	bool found;                      /* a glibc arena was found and its layout decided */
	bool unused;                     /* nothing in the image looks like a heap of glibc's */
	const char *generation;          /* "glibc 2.35-2.42", from the layout; "" where not found */
	const char *basis;               /* which evidence decided, one line; in the pool */
	uint64_t state_bytes;            /* of a malloc_state */
	VEC(struct heap_arena) arenas;   /* main first, then in ring order */
	VEC(struct heap_thread) threads; /* one for each thread of the core that has registers */
	VEC(struct heap_block) blocks;   /* by ascending address */
	struct chunk_table chunks;
	struct chunk_sum mmapped;
	struct chunk_sum mmapped_cached;   /* freed ones in a tcache: their mappings stay */
	struct chunk_sum mmapped_overhead; /* of their mappings: before and behind the chunks */
	struct pool pool;
};

/* Walks everything. `page_map` may be NULL (foreign core): resident bytes are then 0. Gives an
 * empty heap (found false) where the process does not use glibc's malloc or the evidence does not
 * tell; odd evidence goes to anomalies. The caller ends with heap_deinit. */
void heap_walk(struct heap *heap, const struct image *image, const struct regions *regions,
			   const struct core *core, const struct page_map *page_map, unsigned workers,
			   struct progress *progress, struct anomalies *anomalies);
void heap_deinit(struct heap *heap);

#endif
