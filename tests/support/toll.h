/* toll: what damage took: the chunks of a damaged heap against those of the sound one, byte by
 * byte. */
#ifndef TESTS_SUPPORT_TOLL_H
#define TESTS_SUPPORT_TOLL_H

#include "analyze/heap/heap.h"

#include <stdint.h>

/* Bytes of the sound heap's chunks. */
struct toll {
	uint64_t unwalkable; /* admitted to be lost */
	uint64_t missing;    /* in no chunk any more */
	uint64_t hints;      /* the same chunk, but a list of free ones no longer tells of it */
	uint64_t wrong;      /* in a chunk of other bounds or another state: lost without a word */
	uint64_t invented;   /* in a chunk of the damaged heap where the sound one had none */
};

/* One toll for each arena of the truth, and behind them one for mmapped chunks: arenas.count + 1.
 * What was invented is in `invented` of the last. */
void toll_take(const struct heap *truth, const struct heap *damaged, struct toll *tolls);

static inline uint64_t toll_sum(const struct toll *toll)
{
	return toll->unwalkable + toll->missing + toll->wrong;
}

#endif
