/* vaddr: an address in the target process. Never a host pointer, never dereferenced here. */
#ifndef BASE_VADDR_H
#define BASE_VADDR_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t vaddr;

/* printf format of a target address: printf("0x%" PRIvaddr, address). */
#define PRIvaddr PRIx64

/* A half-open range of target memory: start is inside, end is not. */
struct range {
	vaddr start;
	vaddr end;
};

static inline uint64_t range_bytes(struct range range)
{
	return range.end > range.start ? range.end - range.start : 0;
}

static inline bool range_holds(struct range range, vaddr address)
{
	return address >= range.start && address < range.end;
}

/* The part that both have; an empty range (start == end) where they do not meet. */
static inline struct range range_overlap(struct range a, struct range b)
{
	vaddr start = a.start > b.start ? a.start : b.start;
	vaddr end = a.end < b.end ? a.end : b.end;

	return (struct range){ start, end > start ? end : start };
}

#endif
