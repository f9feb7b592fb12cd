#include "base/span_index.h"

#include "base/mem.h"

#include <stdlib.h>
#include <xxhash.h>

void span_index_deinit(struct span_index *index)
{
	vec_deinit(&index->items);
	free(index->slots);
	pool_deinit(&index->pool);
	*index = (struct span_index){ 0 };
}

static uint64_t hash_of(struct span text)
{
	return XXH3_64bits(text.data ? text.data : (const void *)"", text.size);
}

/* A slot is the upper half of a hash and, below it, a number + 1; 0 is free. A string of another
 * hash is told without a look at it, which would be three misses of the cache, and growing needs no
 * string at all. */
enum { NUMBER_BITS = 32 };

static uint32_t number_of(uint64_t slot)
{
	return (uint32_t)slot - 1;
}

/* The slot that holds the string or the free one where it belongs. */
static uint64_t *find_slot(const struct span_index *index, struct span text, uint64_t hash)
{
	size_t mask = index->slot_count - 1, at = (size_t)(hash >> NUMBER_BITS) & mask;

	for (; index->slots[at]; at = (at + 1) & mask)
		if (index->slots[at] >> NUMBER_BITS == hash >> NUMBER_BITS &&
			span_equal(index->items.items[number_of(index->slots[at])], text))
			break;
	return &index->slots[at];
}

static void grow(struct span_index *index)
{
	size_t count = index->slot_count ? index->slot_count * 2 : 64;
	uint64_t *slots = mem_zeroed(count, sizeof *slots);

	for (size_t i = 0; i < index->slot_count; i++) {
		size_t at = (size_t)(index->slots[i] >> NUMBER_BITS) & (count - 1);

		if (!index->slots[i])
			continue;
		while (slots[at])
			at = (at + 1) & (count - 1);
		slots[at] = index->slots[i];
	}
	free(index->slots);
	index->slots = slots;
	index->slot_count = count;
}

uint32_t span_index_add(struct span_index *index, struct span text)
{
	uint64_t hash = hash_of(text), *slot;

	if (index->items.count * 2 >= index->slot_count)
		grow(index);
	slot = find_slot(index, text, hash);
	if (!*slot) {
		*vec_add(&index->items) = span_make(pool_span(&index->pool, text), text.size);
		*slot = hash >> NUMBER_BITS << NUMBER_BITS | index->items.count;
	}
	return number_of(*slot);
}

uint32_t span_index_find(const struct span_index *index, struct span text)
{
	if (!index->slot_count)
		return SPAN_INDEX_NONE;
	/* a free slot wraps to SPAN_INDEX_NONE */
	return number_of(*find_slot(index, text, hash_of(text)));
}
