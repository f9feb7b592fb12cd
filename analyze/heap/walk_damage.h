/* walk_damage: bytes of a block that could not be walked, and what would have been expected. */
#ifndef ANALYZE_HEAP_WALK_DAMAGE_H
#define ANALYZE_HEAP_WALK_DAMAGE_H

#include "analyze/heap/layout.h"
#include "base/vaddr.h"

#include <stddef.h>
#include <stdint.h>

enum walk_trouble {
	WALK_BAD_SIZE,  /* the size word at the start cannot be one there */
	WALK_BAD_LEAD,  /* it can, but leads to where no chunk is, past some that are */
	WALK_NO_HEADER, /* the size word was not captured */
	WALK_NO_NEXT,   /* that of the next chunk was not captured: is this one free? */
	WALK_NO_CHUNKS, /* the block's chunks end before they start */
};

struct walk_damage {
	struct range range; /* up to the next certain chunk */
	enum walk_trouble trouble;
	uint64_t header;    /* the size word found, flags included; 0 where not captured */
	uint64_t most;      /* bytes to the end of the block's chunks: no chunk can be larger */
	uint64_t bad_flags; /* flags that no chunk of the block has */
};

/* One line that says what was found and what was expected. */
enum { WALK_DAMAGE_TEXT_BYTES = 320 };
void walk_damage_describe(const struct walk_damage *damage, const struct layout *layout,
						  char text[WALK_DAMAGE_TEXT_BYTES]);

#endif
