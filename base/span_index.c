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

/* The slot that holds the string or the free one where it belongs. */
static uint32_t *find_slot(const struct span_index *index, struct span text)
{
	size_t mask = index->slot_count - 1;
	size_t at = (size_t)XXH3_64bits(text.data ? text.data : (const void *)"", text.size) & mask;

	while (index->slots[at] && !span_equal(index->items.items[index->slots[at] - 1], text))
		at = (at + 1) & mask;
	return &index->slots[at];
}

static void grow(struct span_index *index)
{
	index->slot_count = index->slot_count ? index->slot_count * 2 : 64;
	free(index->slots);
	index->slots = mem_zeroed(index->slot_count, sizeof *index->slots);
	for (size_t i = 0; i < index->items.count; i++)
		*find_slot(index, index->items.items[i]) = (uint32_t)i + 1;
}

uint32_t span_index_add(struct span_index *index, struct span text)
{
	uint32_t *slot;

	if (index->items.count * 2 >= index->slot_count)
		grow(index);
	slot = find_slot(index, text);
	if (!*slot) {
		*vec_add(&index->items) = span_make(pool_span(&index->pool, text), text.size);
		*slot = (uint32_t)index->items.count;
	}
	return *slot - 1;
}

uint32_t span_index_find(const struct span_index *index, struct span text)
{
	if (!index->slot_count)
		return SPAN_INDEX_NONE;
	return *find_slot(index, text) - 1; /* a free slot holds 0: wraps to SPAN_INDEX_NONE */
}
