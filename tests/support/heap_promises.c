#include "tests/support/sound_heap.h"

#include <stdio.h>

static bool is_closed(const struct heap *heap, size_t arena, char *text)
{
	uint64_t states = 0, blocks = 0, chunks = 0;

	for (int i = 0; i < CHUNK_STATES; i++)
		states += heap->arenas.items[arena].states[i].bytes;
	for (size_t i = 0; i < heap->blocks.count; i++)
		if ((size_t)heap->blocks.items[i].arena == arena)
			blocks += range_bytes(heap->blocks.items[i].range);
	for (size_t i = 0; i < heap->chunks.blocks.count; i++)
		if (heap->chunks.blocks.items[i].arena == (int)arena)
			chunks += range_bytes(heap->chunks.blocks.items[i].range);
	snprintf(text, HEAP_PROMISE_BYTES,
			 "arena %zu: states of %" PRIu64 " bytes, chunks of %" PRIu64 ", blocks of %" PRIu64,
			 arena, states, chunks, blocks);
	return states == chunks && chunks <= blocks;
}

static bool is_tiled(const struct chunk_block *block, char *text)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < block->count; i++) {
		struct chunk chunk = chunk_block_get(block, i);

		snprintf(text, HEAP_PROMISE_BYTES, "chunk at 0x%" PRIx64 " of %" PRIu64 " bytes",
				 chunk.address, chunk.bytes);
		if (!chunk.bytes || chunk.bytes > range_bytes(block->range))
			return false;
		bytes += chunk.bytes;
	}
	snprintf(text, HEAP_PROMISE_BYTES, "the chunks at 0x%" PRIx64 " do not tile their block",
			 block->range.start);
	return bytes == range_bytes(block->range);
}

const char *heap_promise_broken(const struct heap *heap, char text[HEAP_PROMISE_BYTES])
{
	vaddr end = 0;

	for (size_t i = 0; i < heap->arenas.count; i++)
		if (!is_closed(heap, i, text))
			return text;
	for (size_t i = 0; i < heap->chunks.blocks.count; i++) {
		if (!is_tiled(&heap->chunks.blocks.items[i], text))
			return text;
		if (heap->chunks.blocks.items[i].range.start < end)
			return "blocks overlap";
		end = heap->chunks.blocks.items[i].range.end;
	}
	return NULL;
}
