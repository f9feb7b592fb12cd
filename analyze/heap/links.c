#include "analyze/heap/links.h"

static bool makes_sense(const struct layout *layout, const arena_blocks *blocks, vaddr target,
						unsigned target_offset)
{
	return target == 0 || (layout_aligned(layout, target - target_offset) &&
						   blocks_at(blocks, target - target_offset) != NULL);
}

void links_vote(struct reader *reader, const struct layout *layout, const arena_blocks *blocks,
				vaddr at, unsigned target_offset, struct links_votes *votes)
{
	struct layout plain = *layout, safe = *layout;
	uint64_t stored;

	plain.links = LAYOUT_LINKS_PLAIN;
	safe.links = LAYOUT_LINKS_SAFE;
	if (!reader_word(reader, at, &stored))
		return;
	votes->plain += makes_sense(layout, blocks, links_decode(&plain, at, stored), target_offset);
	votes->safe += makes_sense(layout, blocks, links_decode(&safe, at, stored), target_offset);
}

void links_decide(struct layout *layout, const struct links_votes *votes)
{
	if (layout->state->class == LAYOUT_D || votes->safe > votes->plain)
		layout->links = LAYOUT_LINKS_SAFE;
	else if (votes->plain > votes->safe)
		layout->links = LAYOUT_LINKS_PLAIN;
}
