#include "analyze/heap/marks.h"

#include "base/mem.h"
#include "base/workers.h"

#include <stdlib.h>

enum { PAGE_SHIFT = 12 };

struct marks_index {
	uint32_t *first; /* for each page of the block its first chunk; one more holds the count */
	size_t pages;
};

static vaddr offset_of(const struct chunk_block *block, size_t index)
{
	return block->packed[index] & ~UINT32_C(7);
}

static void index_block(void *context, size_t job, unsigned worker)
{
	struct marks *marks = context;
	const struct chunk_block *block = &marks->chunks->blocks.items[job];
	struct marks_index *index = &marks->index[job];
	size_t chunk = 0;

	(void)worker;
	if (block->count < 64)
		return;
	index->pages = (offset_of(block, block->count - 1) >> PAGE_SHIFT) + 1;
	index->first = mem_zeroed(index->pages + 1, sizeof *index->first);
	for (size_t page = 0; page < index->pages; page++) {
		while (chunk < block->count && offset_of(block, chunk) < (uint64_t)page << PAGE_SHIFT)
			chunk++;
		index->first[page] = (uint32_t)chunk;
	}
	index->first[index->pages] = (uint32_t)block->count;
}

void marks_init(struct marks *marks, struct chunk_table *chunks, unsigned workers)
{
	marks->chunks = chunks;
	marks->index = mem_zeroed(chunks->blocks.count + 1, sizeof *marks->index);
	workers_run(workers, chunks->blocks.count, index_block, marks);
}

void marks_deinit(struct marks *marks)
{
	for (size_t i = 0; marks->index && i < marks->chunks->blocks.count; i++)
		free(marks->index[i].first);
	free(marks->index);
	*marks = (struct marks){ 0 };
}

/* Index of the chunk at the offset; the block's count where none starts there. */
static size_t find(const struct chunk_block *block, const struct marks_index *index,
				   uint64_t offset)
{
	size_t page = offset >> PAGE_SHIFT, low = 0, high = block->count;

	if (index->first) {
		if (page >= index->pages)
			return block->count;
		low = index->first[page];
		high = index->first[page + 1];
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (offset_of(block, middle) == offset)
			return middle;
		if (offset_of(block, middle) < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return block->count;
}

enum marks_result marks_set(const struct marks *marks, vaddr address, int arena,
							enum chunk_state state)
{
	size_t number = chunk_table_find_block(marks->chunks, address), at;
	struct chunk_block *block = &marks->chunks->blocks.items[number];

	if (number == marks->chunks->blocks.count || !range_holds(block->range, address) ||
		(arena != MARKS_ANY_ARENA && block->arena != arena))
		return MARKS_NO_CHUNK;
	at = find(block, &marks->index[number], address - block->range.start);
	if (at == block->count)
		return MARKS_NO_CHUNK;
	if (!chunk_is_live((enum chunk_state)(block->packed[at] & 7)))
		return MARKS_TAKEN;
	block->packed[at] = (block->packed[at] & ~UINT32_C(7)) | (uint32_t)state;
	return MARKS_DONE;
}
