#include "analyze/content/view.h"

/* In a chunk that holds a program's bytes these reach into the next chunk's prev_size word (glibc
 * malloc/malloc.c, chunk layout); a binned chunk keeps its size there. */
static vaddr payload_end(const struct chunk *chunk, unsigned word)
{
	bool shares = chunk->state == CHUNK_IN_USE || chunk->state == CHUNK_TCACHE ||
				  chunk->state == CHUNK_FASTBIN;

	return chunk->address + chunk->bytes + (shares ? word : 0);
}

struct view view_make(const struct view_source *source, size_t index)
{
	struct view view = { .chunk = chunk_block_get(source->block, index) };
	struct range payload;

	view.payload = view.chunk.address + source->header_bytes;
	payload.start = view.payload;
	payload.end = payload_end(&view.chunk, source->word);
	view.readable = range_overlap(source->run->range, payload);
	return view;
}

struct view view_seek(const struct view_source *source, size_t *index, vaddr address)
{
	enum { STEPS = 8 };

	for (int i = 0; i < STEPS; i++) {
		if (*index + 1 >= source->block->count ||
			chunk_block_get(source->block, *index + 1).address > address)
			return view_make(source, *index);
		++*index;
	}
	*index = chunk_block_find(source->block, address);
	return view_make(source, *index);
}
