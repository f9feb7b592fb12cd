/* chunks: the table of all chunks of the target's malloc, by ascending address. The heap stage
 * fills it; content and attribution read it.
 *
 * A chunk takes four bytes here: the table keeps blocks of memory that are tiled by chunks, and for
 * each chunk its offset in the block and its state. A chunk ends where the next one starts. A
 * quarter of a byte more goes into an index by which an address leads to its chunk in a few steps.
 */
#ifndef ANALYZE_MEMORY_CHUNKS_H
#define ANALYZE_MEMORY_CHUNKS_H

#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum chunk_state {
	CHUNK_IN_USE,     /* the program holds it */
	CHUNK_MMAPPED,    /* in use, in a mapping of its own */
	CHUNK_TCACHE,     /* freed, in a thread's cache */
	CHUNK_FASTBIN,    /* freed, in a fastbin */
	CHUNK_BINNED,     /* freed, in the unsorted, a small or a large bin */
	CHUNK_TOP,        /* the free end of an arena */
	CHUNK_OVERHEAD,   /* heap_info, malloc_state, tcache structs, fenceposts, alignment */
	CHUNK_UNWALKABLE, /* bytes between damage and the next certain chunk */
	CHUNK_STATES
};

/* Arena of a mmapped chunk. */
enum { CHUNK_NO_ARENA = -1 };

struct chunk {
	vaddr address;  /* of the chunk's prev_size word; the program's pointer is two words on */
	uint64_t bytes; /* chunk size, header included */
	enum chunk_state state;
	int arena; /* index of the arena, or CHUNK_NO_ARENA */
};

/* Blocks do not overlap. A block is shorter than 4 GiB: offsets are kept in units of 8 bytes. */
struct chunk_block {
	struct range range;
	int arena;
	size_t count;
	uint32_t *packed; /* offset / 8 << 3 | enum chunk_state, ascending; packed[0] has offset 0 */
	/* For each stretch of 1 << index_shift bytes the chunk that holds its first one, and at the end
	 * the last chunk. NULL: not indexed, found by a search over all of the block. */
	uint32_t *index;
	unsigned index_shift;
};

#define CHUNK_BLOCK_MAX_BYTES (UINT64_C(1) << 32)

struct chunk_table {
	unsigned header_bytes;          /* from a chunk's address to the program's pointer: two words */
	VEC(struct chunk_block) blocks; /* by ascending address after chunk_table_seal */
};

void chunk_table_deinit(struct chunk_table *table);

/* Adds an empty block and gives its address, valid until the next call. */
struct chunk_block *chunk_table_add(struct chunk_table *table, struct range range, int arena);

/* Sorts the blocks by address. To be called once, after the last block was added. */
void chunk_table_seal(struct chunk_table *table);

/* Builds the block's index. Its chunks must be complete; their states may still change. */
void chunk_block_index(struct chunk_block *block);

/* Drops the chunks before chunk `index`. An index of the block is lost. */
void chunk_block_drop(struct chunk_block *block, size_t index);

/* Appends `next`, which is emptied, where it follows directly and a block of that length can be;
 * else false. An index of the block is lost. */
bool chunk_block_join(struct chunk_block *block, struct chunk_block *next);

/* Frees what the block owns: chunks and index. */
void chunk_block_deinit(struct chunk_block *block);

/* Chunk `index` of the block. */
struct chunk chunk_block_get(const struct chunk_block *block, size_t index);

/* The chunk that holds the address, header included. False where none does. */
bool chunk_table_find(const struct chunk_table *table, vaddr address, struct chunk *chunk);

/* Index of the block that holds the address, or of the next one behind it (count: none). */
size_t chunk_table_find_block(const struct chunk_table *table, vaddr address);

/* Index of the chunk in the block that holds the address, which must be in the block. */
size_t chunk_block_find(const struct chunk_block *block, vaddr address);

/* Gives chunk `index` of the block another state. */
static inline void chunk_block_mark(struct chunk_block *block, size_t index, enum chunk_state state)
{
	block->packed[index] = (block->packed[index] & ~UINT32_C(7)) | (uint32_t)state;
}

/* "in-use", "mmapped", "tcache", "fastbin", "binned", "top", "overhead", "unwalkable". */
const char *chunk_state_name(enum chunk_state state);

/* The state of that name; `live` and `free` are not states. False where there is none. */
bool chunk_state_parse(const char *name, enum chunk_state *state);

/* The program holds it: in use or mmapped. */
static inline bool chunk_is_live(enum chunk_state state)
{
	return state == CHUNK_IN_USE || state == CHUNK_MMAPPED;
}

/* malloc could hand it out again, or keeps it for that. */
static inline bool chunk_is_free(enum chunk_state state)
{
	return state == CHUNK_TCACHE || state == CHUNK_FASTBIN || state == CHUNK_BINNED ||
		   state == CHUNK_TOP;
}

#endif
