/* walk: tiles an arena's block with its chunks, from header to header.
 *
 * A chunk is free in a bin where the next one's PREV_INUSE bit is off. Chunks in a tcache or a
 * fastbin look used here; marks says which they are. Damage costs the damaged bytes: they become
 * CHUNK_UNWALKABLE and the walk goes on at the next place from where chunks follow each other. */
#ifndef ANALYZE_HEAP_WALK_H
#define ANALYZE_HEAP_WALK_H

#include "analyze/heap/blocks.h"
#include "analyze/heap/chain.h"
#include "analyze/heap/layout.h"
#include "analyze/heap/resync.h"
#include "analyze/heap/walk_damage.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "base/vec.h"

/* Every damage is in `damages` up to WALK_DAMAGES_MAX; `damage_count` counts them all. */
enum { WALK_DAMAGES_MAX = 64 };

/* What a part of a block gave. Usually one chunk block; more where it is longer than
 * CHUNK_BLOCK_MAX_BYTES or where somebody else moved the break (the foreign memory is in none). The
 * caller owns both arrays and the blocks. */
struct walk_result {
	VEC(struct chunk_block) blocks;
	VEC(struct walk_damage) damages;
	uint64_t damage_count;
	vaddr end; /* where the walk stood in the end: the first chunk that is not in `blocks` */
};

/* A walk under way. */
struct walk {
	struct chain chain;
	const struct layout *layout;
	const struct arena_block *block;
	struct walk_result *result;
	struct chunk_block open; /* being filled */
	size_t capacity;         /* of open.packed */
	struct resync resync;
	uint64_t doubt_steps; /* left of DOUBT_STEPS_ALL */
	vaddr previous;       /* the chunk whose size led to the current one; 0 after damage */
	vaddr chunk;          /* the current one */
	uint64_t header;      /* its size word */
	bool captured;        /* whether that could be read */
	vaddr until;          /* the walk ends at the first chunk from here on */
};

/* Starts at a chunk, part.start, to end at the first one at or behind part.end: both are chunks of
 * the block, its first and its last in the end. The first part has what stands before the first
 * chunk too, the last one what ends the block. `result` is empty. */
void walk_begin(struct walk *walk, const struct image *image, const struct layout *layout,
				const struct arena_block *block, struct range part, struct walk_result *result);

/* Goes on by one chunk or one damaged place. False where the end is reached. The next step reads
 * memory that is asked for now: a caller with several walks takes a step of each in turn. */
bool walk_step(struct walk *walk);

/* To be called once, after the last step. */
void walk_end(struct walk *walk);

/* Instead of a walk, for a block whose first and last chunk contradict each other: all of it is
 * unwalkable. */
void walk_give_up(const struct image *image, const struct layout *layout,
				  const struct arena_block *block, struct walk_result *result);

/* An address in `where` from which chunks follow each other; 0 where none is found with little
 * effort. It need not be a chunk: free memory keeps the headers that stood in it. */
vaddr walk_find_start(const struct image *image, const struct layout *layout,
					  const struct arena_block *block, struct range where);

#endif
