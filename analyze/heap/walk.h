/* walk: tiles an arena's block with its chunks, from header to header.
 *
 * A chunk is free in a bin where the next one's PREV_INUSE bit is off. Chunks in a tcache or a
 * fastbin look used here; marks says which they are. Damage costs the damaged bytes: they become
 * CHUNK_UNWALKABLE and the walk goes on at the next place from where chunks follow each other. */
#ifndef ANALYZE_HEAP_WALK_H
#define ANALYZE_HEAP_WALK_H

#include "analyze/heap/blocks.h"
#include "analyze/heap/layout.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "base/vec.h"

/* Bytes that could not be walked, and why (a constant). */
struct walk_damage {
	struct range range;
	const char *why;
};

/* Every damage is in `damages` up to WALK_DAMAGES_MAX; `damage_count` counts them all. */
enum { WALK_DAMAGES_MAX = 64 };

/* What a block gave. Usually one chunk block; more where it is longer than CHUNK_BLOCK_MAX_BYTES or
 * where somebody else moved the break (the foreign memory is in none). The caller owns both arrays
 * and each block's `packed`. */
struct walk_result {
	VEC(struct chunk_block) blocks;
	VEC(struct walk_damage) damages;
	uint64_t damage_count;
};

void walk_block(const struct image *image, const struct layout *layout,
				const struct arena_block *block, struct walk_result *result);

#endif
