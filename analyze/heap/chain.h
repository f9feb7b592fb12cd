/* chain: what makes a chunk header believable, and whether chunks follow each other from an address
 * on. Source of the invariants: glibc malloc/malloc.c, "chunks of memory are maintained using a
 * boundary tag method", do_check_chunk, do_check_free_chunk. */
#ifndef ANALYZE_HEAP_CHAIN_H
#define ANALYZE_HEAP_CHAIN_H

#include "analyze/heap/layout.h"
#include "analyze/heap/reader.h"

/* Chunks in memory of one arena. */
struct chain {
	struct reader reader;
	const struct layout *layout;
	uint64_t
		bad_flags;  /* bits no chunk of the arena has: mmapped, in the main arena non-main too */
	vaddr last;     /* top chunk or terminating fencepost: no chunk reaches beyond it */
	uint64_t steps; /* chunks that may still be followed; then nothing holds */
};

struct chain chain_make(const struct image *image, const struct layout *layout, bool main,
						vaddr last);

static inline uint64_t chain_size(uint64_t header)
{
	return header & ~(uint64_t)LAYOUT_FLAGS;
}

/* Whether a chunk with that size word can be at the address: size aligned, not below MINSIZE, not
 * beyond `last`. */
static inline bool chain_header_fits(const struct chain *chain, vaddr chunk, uint64_t header)
{
	uint64_t size = chain_size(header);

	return !(header & chain->bad_flags) && size >= chain->layout->min_bytes &&
		   (size & (chain->layout->alignment - 1)) == 0 && chunk < chain->last &&
		   size <= chain->last - chunk;
}

/* Whether the free chunk of that size repeats its size at its end, as every binned chunk does. */
bool chain_footer_fits(struct chain *chain, vaddr chunk, uint64_t size);

/* Whether the chunk's list neighbours both point back to it, as those of a binned chunk do. */
bool chain_is_linked(struct chain *chain, vaddr chunk);

/* Follows chunks from the address: true where `hops` of them fit and lead beyond `beyond`, or where
 * `last` is reached exactly. A chunk said to be free must have its footer. */
bool chain_holds(struct chain *chain, vaddr chunk, unsigned hops, vaddr beyond);

/* The two fenceposts that end a region of the main arena which is not its newest
 * (malloc.c, sysmalloc: two chunks of two words, the second's size word exactly 2W | 1). */
bool chain_is_fence(struct chain *chain, vaddr chunk);

/* Follows chunks from the address until the fenceposts or `last`; gives where the region of
 * [chunk, limit) ends: behind the fenceposts, page-aligned; `last` itself; 0 where the chunks do
 * not hold. */
vaddr chain_region_end(struct chain *chain, vaddr chunk, uint32_t page_size);

/* Follows chunks from the address to the one that ends at `last`, as top does at the end of its
 * region: for an arena whose pointer to it is damaged. Gives that chunk, 0 where the chunks do not
 * hold or are fewer than two. */
vaddr chain_find_top(struct chain *chain, vaddr chunk);

#endif
