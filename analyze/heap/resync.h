/* resync: where chunks follow each other again behind damage. */
#ifndef ANALYZE_HEAP_RESYNC_H
#define ANALYZE_HEAP_RESYNC_H

#include "analyze/heap/chain.h"

/* Chunks that must follow each other where a walk takes up again; and how many are enough in front
 * of the next such place, where one damage follows closely on another. */
enum { RESYNC_HOPS = 32, RESYNC_HOPS_NEAR = 8 };

/* What a walk remembers of its searches. Zero-initialised at the start of a block. */
struct resync {
	vaddr barren; /* from no address before it, behind the last damage, do RESYNC_HOPS chunks follow
				   */
};

/* The first address in [from, until) from which `hops` chunks follow each other and lead beyond
 * `beyond`; `until` where there is none. Memory that was not captured is stepped over. */
vaddr resync_find(struct chain *chain, vaddr from, vaddr until, vaddr beyond, unsigned hops);

/* The same for the damage at `damaged`, before `from`: where the walk goes on. Each stretch is
 * searched once for a long chain and once for a short one, however many damages are in it. */
vaddr resync_next(struct resync *resync, struct chain *chain, vaddr damaged, vaddr from,
				  vaddr until);

#endif
