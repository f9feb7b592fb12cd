/* chunk_numbers: all chunks of the table counted through, so that what is known of each can be kept
 * in arrays and bits. */
#ifndef ANALYZE_ATTRIBUTE_CHUNK_NUMBERS_H
#define ANALYZE_ATTRIBUTE_CHUNK_NUMBERS_H

#include "analyze/attribute/pointers.h"
#include "analyze/memory/chunks.h"

#include <stddef.h>

struct chunk_numbers {
	const struct chunk_table *table;
	size_t *first; /* for each block the number of its first chunk; one more: how many there are */
};

/* The caller ends with chunk_numbers_deinit; the table must outlive it. */
void chunk_numbers_init(struct chunk_numbers *numbers, const struct chunk_table *table);
void chunk_numbers_deinit(struct chunk_numbers *numbers);

static inline size_t chunk_numbers_count(const struct chunk_numbers *numbers)
{
	return numbers->first[numbers->table->blocks.count];
}

static inline size_t chunk_numbers_of(const struct chunk_numbers *numbers, struct chunk_place place)
{
	return numbers->first[place.block] + place.index;
}

/* The place of a number below the count. */
struct chunk_place chunk_numbers_place(const struct chunk_numbers *numbers, size_t number);

static inline struct chunk chunk_numbers_get(const struct chunk_numbers *numbers,
											 struct chunk_place place)
{
	return chunk_block_get(&numbers->table->blocks.items[place.block], place.index);
}

#endif
