#include "analyze/memory/chunks.h"

#include "base/mem.h"

#include <string.h>

enum { STATE_BITS = 3, STATE_MASK = (1 << STATE_BITS) - 1, OFFSET_UNIT = 8 };

/* A stretch of the index has at least so many chunks on the average: the index then takes a quarter
 * of a byte a chunk, and four steps are left to be searched. */
enum { STRETCH_CHUNKS = 16 };

_Static_assert(CHUNK_STATES <= 1 << STATE_BITS, "a chunk's state fits its bits");
_Static_assert(CHUNK_BLOCK_MAX_BYTES / OFFSET_UNIT <= UINT64_C(1) << (32 - STATE_BITS),
			   "an offset in a block fits its bits");

static const char *const state_names[CHUNK_STATES] = {
	[CHUNK_IN_USE] = "in-use",     [CHUNK_MMAPPED] = "mmapped",       [CHUNK_TCACHE] = "tcache",
	[CHUNK_FASTBIN] = "fastbin",   [CHUNK_BINNED] = "binned",         [CHUNK_TOP] = "top",
	[CHUNK_OVERHEAD] = "overhead", [CHUNK_UNWALKABLE] = "unwalkable",
};

void chunk_block_deinit(struct chunk_block *block)
{
	free(block->packed);
	free(block->index);
	*block = (struct chunk_block){ 0 };
}

void chunk_table_deinit(struct chunk_table *table)
{
	for (size_t i = 0; i < table->blocks.count; i++)
		chunk_block_deinit(&table->blocks.items[i]);
	vec_deinit(&table->blocks);
}

struct chunk_block *chunk_table_add(struct chunk_table *table, struct range range, int arena)
{
	struct chunk_block *block = vec_add(&table->blocks);

	block->range = range;
	block->arena = arena;
	return block;
}

static int compare_blocks(const void *left, const void *right)
{
	const struct chunk_block *a = left, *b = right;

	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

void chunk_table_seal(struct chunk_table *table)
{
	vec_sort(&table->blocks, compare_blocks);
}

static vaddr chunk_start(const struct chunk_block *block, size_t index)
{
	return block->range.start + (uint64_t)(block->packed[index] >> STATE_BITS) * OFFSET_UNIT;
}

static void drop_index(struct chunk_block *block)
{
	free(block->index);
	block->index = NULL;
	block->index_shift = 0;
}

void chunk_block_index(struct chunk_block *block)
{
	uint64_t bytes = range_bytes(block->range);
	size_t stretches, chunk = 0;

	drop_index(block);
	while (bytes >> block->index_shift > block->count / STRETCH_CHUNKS)
		block->index_shift++;
	stretches = (size_t)(bytes >> block->index_shift) + 1;
	if (stretches < 2)
		return;
	block->index = mem_zeroed(stretches + 1, sizeof *block->index);
	for (size_t i = 0; i < stretches; i++) {
		vaddr start = block->range.start + ((uint64_t)i << block->index_shift);

		while (chunk + 1 < block->count && chunk_start(block, chunk + 1) <= start)
			chunk++;
		block->index[i] = (uint32_t)chunk;
	}
	block->index[stretches] = (uint32_t)block->count - 1;
}

void chunk_block_drop(struct chunk_block *block, size_t index)
{
	uint32_t moved = index ? block->packed[index] & ~(uint32_t)STATE_MASK : 0;

	drop_index(block);
	block->range.start += moved;
	block->count -= index;
	memmove(block->packed, block->packed + index, block->count * sizeof *block->packed);
	for (size_t i = 0; i < block->count; i++)
		block->packed[i] -= moved;
}

bool chunk_block_join(struct chunk_block *block, struct chunk_block *next)
{
	uint64_t distance = next->range.start - block->range.start;

	if (next->arena != block->arena || next->range.start != block->range.end || !next->count ||
		chunk_start(next, next->count - 1) - block->range.start >= CHUNK_BLOCK_MAX_BYTES)
		return false;
	drop_index(block);
	block->packed = mem_resize(block->packed, block->count + next->count, sizeof *block->packed);
	for (size_t i = 0; i < next->count; i++)
		block->packed[block->count + i] = next->packed[i] + (uint32_t)distance;
	block->count += next->count;
	block->range.end = next->range.end;
	chunk_block_deinit(next);
	return true;
}

struct chunk chunk_block_get(const struct chunk_block *block, size_t index)
{
	vaddr start = chunk_start(block, index);
	vaddr end = index + 1 < block->count ? chunk_start(block, index + 1) : block->range.end;

	return (struct chunk){ .address = start,
						   .bytes = end - start,
						   .state = (enum chunk_state)(block->packed[index] & STATE_MASK),
						   .arena = block->arena };
}

size_t chunk_table_find_block(const struct chunk_table *table, vaddr address)
{
	return range_search(table->blocks.items, table->blocks.count, sizeof *table->blocks.items,
						address);
}

size_t chunk_block_find(const struct chunk_block *block, vaddr address)
{
	size_t low = 0, high = block->count;

	if (block->index) {
		size_t stretch = (size_t)((address - block->range.start) >> block->index_shift);

		low = block->index[stretch];
		high = (size_t)block->index[stretch + 1] + 1;
	}
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (chunk_start(block, middle) <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool chunk_table_find(const struct chunk_table *table, vaddr address, struct chunk *chunk)
{
	size_t index = chunk_table_find_block(table, address);
	const struct chunk_block *block;

	if (index == table->blocks.count)
		return false;
	block = &table->blocks.items[index];
	if (!range_holds(block->range, address) || !block->count)
		return false;
	*chunk = chunk_block_get(block, chunk_block_find(block, address));
	return true;
}

const char *chunk_state_name(enum chunk_state state)
{
	return (unsigned)state < CHUNK_STATES ? state_names[state] : "unknown";
}

bool chunk_state_parse(const char *name, enum chunk_state *state)
{
	for (unsigned i = 0; i < CHUNK_STATES; i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*state = (enum chunk_state)i;
			return true;
		}
	}
	return false;
}
