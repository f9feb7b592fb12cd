/* vaddr: an address in the target process. Never a host pointer, never dereferenced here. */
#ifndef BASE_VADDR_H
#define BASE_VADDR_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
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

/* Index of the first of `count` items whose range ends behind the address, count where there is
 * none. Items are `size` bytes each, begin with a struct range, ascend and do not overlap. */
static inline size_t range_search(const void *items, size_t count, size_t size, vaddr address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct range *range = (const void *)((const char *)items + middle * size);

		if (range->end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
