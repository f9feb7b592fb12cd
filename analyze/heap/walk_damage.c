#include "analyze/heap/walk_damage.h"

#include <inttypes.h>
#include <stdio.h>

/* What is wrong with the size word: a flag, or the size itself. */
static void describe_size(const struct walk_damage *damage, const struct layout *layout,
						  char text[WALK_DAMAGE_TEXT_BYTES])
{
	uint64_t bad = damage->header & damage->bad_flags;
	uint64_t size = damage->header & ~(uint64_t)LAYOUT_FLAGS;

	if (bad && size >= layout->min_bytes && size <= damage->most && size % layout->alignment == 0)
		snprintf(text, WALK_DAMAGE_TEXT_BYTES,
				 "the size word 0x%" PRIx64 " has the flag%s%s, which no chunk here has",
				 damage->header, bad & LAYOUT_IS_MMAPPED ? " mmapped" : "",
				 bad & LAYOUT_NON_MAIN ? " non-main" : "");
	else
		snprintf(text, WALK_DAMAGE_TEXT_BYTES,
				 "the size word 0x%" PRIx64 " is no chunk's here: expected %u to %" PRIu64
				 " bytes in steps of %u",
				 damage->header, layout->min_bytes, damage->most, layout->alignment);
}

void walk_damage_describe(const struct walk_damage *damage, const struct layout *layout,
						  char text[WALK_DAMAGE_TEXT_BYTES])
{
	char what[WALK_DAMAGE_TEXT_BYTES];
	uint64_t bytes = range_bytes(damage->range);

	switch (damage->trouble) {
	case WALK_BAD_SIZE:
		describe_size(damage, layout, what);
		break;
	case WALK_BAD_LEAD:
		snprintf(what, sizeof what,
				 "the size word 0x%" PRIx64 " leads to 0x%" PRIx64 ", where no chunk is",
				 damage->header, damage->range.start + (damage->header & ~(uint64_t)LAYOUT_FLAGS));
		break;
	case WALK_NO_HEADER:
		snprintf(what, sizeof what, "the size word of the chunk here was not captured");
		break;
	case WALK_NO_NEXT:
		snprintf(what, sizeof what,
				 "the chunk here ends where nothing was captured, so that "
				 "nothing tells whether it is free");
		break;
	case WALK_NO_CHUNKS:
		snprintf(text, WALK_DAMAGE_TEXT_BYTES,
				 "the chunks of this block would end before they start: %" PRIu64
				 " bytes cannot be walked",
				 bytes);
		return;
	}
	snprintf(text, WALK_DAMAGE_TEXT_BYTES,
			 "%.200s; the next certain chunk is at 0x%" PRIx64 ": %" PRIu64
			 " bytes cannot be walked",
			 what, damage->range.end, bytes);
}
