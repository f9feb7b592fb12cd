/* links: the links between cached chunks, plain or mangled ("safe-linking", since 2.32:
 * glibc malloc/malloc.c, PROTECT_PTR: stored = (address of the link >> 12) ^ target). */
#ifndef ANALYZE_HEAP_LINKS_H
#define ANALYZE_HEAP_LINKS_H

#include "analyze/heap/blocks.h"
#include "analyze/heap/layout.h"
#include "analyze/heap/reader.h"

/* Evidence for each form, from links seen. Zero-initialised is none. */
struct links_votes {
	uint64_t plain;
	uint64_t safe;
};

/* The target of the link word stored at the address; 0 ends a list. */
static inline vaddr links_decode(const struct layout *layout, vaddr at, uint64_t stored)
{
	vaddr target = layout->links == LAYOUT_LINKS_SAFE ? (at >> 12) ^ stored : stored;

	return layout->word == 4 ? target & UINT32_MAX : target;
}

/* Looks at the link word at the address: `target_offset` is what a target lies behind its chunk's
 * address (0 in a fastbin, the header in a tcache). Counts for each form whether it makes sense:
 * the end of a list, or an aligned address in an arena. */
void links_vote(struct reader *reader, const struct layout *layout, const arena_blocks *blocks,
				vaddr at, unsigned target_offset, struct links_votes *votes);

/* Takes the form with more votes; 2.43 and later have one only. Leaves it open on a tie. */
void links_decide(struct layout *layout, const struct links_votes *votes);

#endif
