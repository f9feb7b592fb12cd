#include "analyze/attribute/chunk_numbers.h"

#include "base/mem.h"

#include <stdlib.h>

void chunk_numbers_init(struct chunk_numbers *numbers, const struct chunk_table *table)
{
	size_t count = 0;

	numbers->table = table;
	numbers->first = mem_zeroed(table->blocks.count + 1, sizeof *numbers->first);
	for (size_t i = 0; i < table->blocks.count; i++) {
		numbers->first[i] = count;
		count += table->blocks.items[i].count;
	}
	numbers->first[table->blocks.count] = count;
}

void chunk_numbers_deinit(struct chunk_numbers *numbers)
{
	free(numbers->first);
	*numbers = (struct chunk_numbers){ 0 };
}

/* The last block that starts at or before the number: of several that start there all but the last
 * are empty. */
struct chunk_place chunk_numbers_place(const struct chunk_numbers *numbers, size_t number)
{
	size_t low = 0, high = numbers->table->blocks.count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (numbers->first[middle] <= number)
			low = middle;
		else
			high = middle;
	}
	return (struct chunk_place){ (uint32_t)low, (uint32_t)(number - numbers->first[low]) };
}
