/* probe: the one word of a structure that tells soonest that it is not there, tried before all the
 * others are: at most places of a heap it is not. */
#ifndef ANALYZE_CONTENT_PROBE_H
#define ANALYZE_CONTENT_PROBE_H

#include "analyze/rules/structure.h"
#include "base/span.h"
#include "base/vaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probe {
	uint32_t at;        /* of the word, from the structure's start */
	unsigned bytes;     /* of the word */
	bool from_start;    /* the value counts from the structure's address */
	bool null;          /* 0 passes too */
	uint64_t min, span; /* min to min + span passes */
};

/* The word of the structure that the fewest values pass; `pointer` is the target's pointer size,
 * `largest` the bytes of the largest chunk that is looked into. */
struct probe probe_of(const struct structure *structure, unsigned pointer, uint64_t largest);

/* Of the offsets from, from + step, ... in the bytes, which stand at `address`: the first at which
 * the structure may start, as far as the probe tells; bytes.size where there is none. */
size_t probe_next(const struct probe *probe, struct span bytes, vaddr address, size_t from,
				  size_t step);

/* Bytes in which the probe's words of the first `places` offsets are: what is behind them tells
 * nothing of those, and a chunk may be large. */
static inline size_t probe_reach(const struct probe *probe, size_t places)
{
	return places - 1 + probe->at + probe->bytes;
}

/* The first multiple of step at which the probe's word is not all in `size` bytes. */
static inline size_t probe_behind(const struct probe *probe, size_t size, size_t step)
{
	size_t word = probe->at + probe->bytes;

	return size < word ? 0 : (size - word) / step * step + step;
}

#endif
