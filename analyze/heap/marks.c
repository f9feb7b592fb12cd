#include "analyze/heap/marks.h"

enum marks_result marks_set(struct chunk_table *chunks, vaddr address, int arena,
							enum chunk_state state)
{
	size_t number = chunk_table_find_block(chunks, address), at;
	struct chunk_block *block;
	struct chunk chunk;

	if (number == chunks->blocks.count)
		return MARKS_NO_CHUNK;
	block = &chunks->blocks.items[number];
	if (!range_holds(block->range, address) || (arena != MARKS_ANY_ARENA && block->arena != arena))
		return MARKS_NO_CHUNK;
	at = chunk_block_find(block, address);
	chunk = chunk_block_get(block, at);
	if (chunk.address != address)
		return MARKS_NO_CHUNK;
	if (!chunk_is_live(chunk.state))
		return MARKS_TAKEN;
	chunk_block_mark(block, at, state);
	return MARKS_DONE;
}
