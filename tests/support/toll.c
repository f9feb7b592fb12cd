#include "tests/support/toll.h"

/* In these states a chunk looks the same to the walk; lists tell them apart. */
static bool is_used_by_flags(enum chunk_state state)
{
	return state == CHUNK_IN_USE || state == CHUNK_TCACHE || state == CHUNK_FASTBIN ||
		   state == CHUNK_OVERHEAD;
}

/* The bytes of a sound chunk that a damaged one has. */
static void compare(const struct chunk *sound, const struct chunk *found, uint64_t bytes,
					struct toll *toll)
{
	bool same_bounds = sound->address == found->address && sound->bytes == found->bytes;

	if (found->state == CHUNK_UNWALKABLE && sound->state != CHUNK_UNWALKABLE)
		toll->unwalkable += bytes;
	else if (same_bounds && sound->state == found->state)
		return;
	else if (same_bounds && is_used_by_flags(sound->state) && is_used_by_flags(found->state))
		toll->hints += bytes;
	else
		toll->wrong += bytes;
}

/* Where the damaged table goes on behind the address; `end` where that is not before it. */
static vaddr next_block(const struct chunk_table *table, vaddr address, vaddr end)
{
	size_t index = chunk_table_find_block(table, address);
	vaddr start = index < table->blocks.count ? table->blocks.items[index].range.start : end;

	return start > address && start < end ? start : end;
}

static void take_chunk(const struct chunk_table *table, const struct chunk *sound,
					   struct toll *toll)
{
	vaddr at = sound->address, end = sound->address + sound->bytes;

	while (at < end) {
		struct chunk found;
		vaddr until;

		if (chunk_table_find(table, at, &found)) {
			until = found.address + found.bytes < end ? found.address + found.bytes : end;
			compare(sound, &found, until - at, toll);
		} else {
			until = next_block(table, at, end);
			toll->missing += until - at;
		}
		at = until;
	}
}

/* Bytes of the damaged heap's blocks that are in no block of the sound one. */
static uint64_t invented_bytes(const struct heap *truth, const struct heap *damaged)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < damaged->chunks.blocks.count; i++) {
		struct range range = damaged->chunks.blocks.items[i].range;

		bytes += range_bytes(range);
		for (size_t k = 0; k < truth->chunks.blocks.count; k++)
			bytes -= range_bytes(range_overlap(range, truth->chunks.blocks.items[k].range));
	}
	return bytes;
}

void toll_take(const struct heap *truth, const struct heap *damaged, struct toll *tolls)
{
	size_t others = truth->arenas.count;

	for (size_t i = 0; i <= others; i++)
		tolls[i] = (struct toll){ 0 };
	for (size_t i = 0; i < truth->chunks.blocks.count; i++) {
		const struct chunk_block *block = &truth->chunks.blocks.items[i];
		size_t arena = block->arena == CHUNK_NO_ARENA ? others : (size_t)block->arena;

		for (size_t k = 0; k < block->count; k++) {
			struct chunk chunk = chunk_block_get(block, k);

			take_chunk(&damaged->chunks, &chunk, &tolls[arena]);
		}
	}
	tolls[others].invented = invented_bytes(truth, damaged);
}
