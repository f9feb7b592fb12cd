#include "analyze/memory/chunks.h"

#include <string.h>

enum { STATE_BITS = 3, STATE_MASK = (1 << STATE_BITS) - 1, OFFSET_UNIT = 8 };

_Static_assert(CHUNK_STATES <= 1 << STATE_BITS, "a chunk's state fits its bits");
_Static_assert(CHUNK_BLOCK_MAX_BYTES / OFFSET_UNIT <= UINT64_C(1) << (32 - STATE_BITS),
			   "an offset in a block fits its bits");

static const char *const state_names[CHUNK_STATES] = {
	[CHUNK_IN_USE] = "in-use",     [CHUNK_MMAPPED] = "mmapped",       [CHUNK_TCACHE] = "tcache",
	[CHUNK_FASTBIN] = "fastbin",   [CHUNK_BINNED] = "binned",         [CHUNK_TOP] = "top",
	[CHUNK_OVERHEAD] = "overhead", [CHUNK_UNWALKABLE] = "unwalkable",
};

void chunk_table_deinit(struct chunk_table *table)
{
	for (size_t i = 0; i < table->blocks.count; i++)
		free(table->blocks.items[i].packed);
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
	size_t low = 0, high = table->blocks.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->blocks.items[middle].range.end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t chunk_block_find(const struct chunk_block *block, vaddr address)
{
	size_t low = 0, high = block->count;

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
