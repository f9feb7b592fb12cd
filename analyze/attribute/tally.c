#include "analyze/attribute/tally.h"

#include "base/mem.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

void tally_deinit(struct tally *tally)
{
	free(tally->slots);
	*tally = (struct tally){ 0 };
}

/* Fibonacci hashing: the upper bits of a product with 2^64 / golden ratio. */
static size_t slot_of(const struct tally *tally, uint64_t key)
{
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (tally->capacity - 1);

	while (tally->slots[at].chunks && tally->slots[at].key != key)
		at = (at + 1) & (tally->capacity - 1);
	return at;
}

static void grow(struct tally *tally)
{
	struct tally old = *tally;

	tally->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
	tally->slots = mem_zeroed(tally->capacity, sizeof *tally->slots);
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].chunks)
			tally->slots[slot_of(tally, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

static void add_row(struct tally *tally, struct tally_row row)
{
	struct tally_row *slot;

	if (tally->count * 2 >= tally->capacity)
		grow(tally);
	slot = &tally->slots[slot_of(tally, row.key)];
	tally->count += slot->chunks == 0;
	slot->key = row.key;
	slot->chunks += row.chunks;
	slot->bytes += row.bytes;
}

void tally_add(struct tally *tally, uint64_t key, uint64_t bytes)
{
	add_row(tally, (struct tally_row){ key, 1, bytes });
}

void tally_merge(struct tally *tally, const struct tally *other)
{
	for (size_t i = 0; i < other->capacity; i++)
		if (other->slots[i].chunks)
			add_row(tally, other->slots[i]);
}

static int compare(const void *a, const void *b)
{
	const struct tally_row *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->key > y->key ? 1 : x->key < y->key ? -1 : 0;
}

size_t tally_sort(struct tally *tally)
{
	size_t rows = 0;

	for (size_t i = 0; i < tally->capacity; i++)
		if (tally->slots[i].chunks)
			tally->slots[rows++] = tally->slots[i];
	if (rows)
		qsort(tally->slots, rows, sizeof *tally->slots, compare);
	return rows;
}
