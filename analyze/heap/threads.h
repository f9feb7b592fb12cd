/* threads: which arena and which tcache each thread uses. Both are variables of libc in the static
 * TLS block, at the same distance from the thread pointer in every thread of a process (glibc
 * malloc/arena.c, thread_arena; malloc/malloc.c, tcache); the distance is found by a vote. */
#ifndef ANALYZE_HEAP_THREADS_H
#define ANALYZE_HEAP_THREADS_H

#include "analyze/heap/arenas.h"
#include "analyze/heap/blocks.h"
#include "analyze/heap/tcache.h"
#include "analyze/input/core.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/regions.h"

struct thread_use {
	uint32_t tid;
	int arena; /* index; -1: never allocated, or not known */
};

typedef VEC(struct thread_use) thread_uses;

/* Appends a row for each thread of the core, and the tcaches found. Gives true where every thread's
 * control block is in the image and the variables' distance was found, so that the tcaches are all.
 * Sets layout->tcache where there are any. */
bool threads_find(const struct image *image, const struct regions *regions, const struct core *core,
				  struct layout *layout, const arenas *found, const arena_blocks *blocks,
				  thread_uses *uses, tcaches *caches, struct anomalies *anomalies);

#endif
