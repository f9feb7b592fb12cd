#include "analyze/heap/lone.h"

#include <string.h>

enum { STARTS_MAX = 8 }; /* distinct bins offsets of one word size */

/* A place where the malloc_state could start, and how many words point to it. */
struct start {
	const struct layout_state *row;
	uint64_t address, pointers;
};

static size_t list_starts(unsigned word, vaddr bins, struct start starts[STARTS_MAX])
{
	const struct layout_state *rows;
	size_t rows_count = layout_states(&rows), count = 0;

	for (size_t i = 0; i < rows_count && count < STARTS_MAX; i++) {
		bool known = rows[i].word != word || rows[i].bins_at > bins;

		for (size_t k = 0; k < count; k++)
			known |= starts[k].row->bins_at == rows[i].bins_at;
		if (!known)
			starts[count++] = (struct start){ &rows[i], bins - rows[i].bins_at, 0 };
	}
	return count;
}

static void count_pointers(const struct piece *piece, unsigned word, struct start *starts,
						   size_t count)
{
	uint64_t bytes = range_bytes(piece->range), value = 0;

	for (uint64_t at = -piece->range.start & (word - 1); at + word <= bytes; at += word) {
		memcpy(&value, piece->data + at, word);
		for (size_t k = 0; k < count; k++)
			starts[k].pointers += value == starts[k].address;
	}
}

const struct layout_state *lone_row(const struct image *image, vaddr bins)
{
	struct start starts[STARTS_MAX];
	size_t count = list_starts(image->word, bins, starts), best = 0, equals = 0;

	for (size_t i = 0; i < image->pieces.count; i++)
		if (image->pieces.items[i].writable)
			count_pointers(&image->pieces.items[i], image->word, starts, count);
	for (size_t k = 1; k < count; k++)
		best = starts[k].pointers > starts[best].pointers ? k : best;
	for (size_t k = 0; k < count; k++)
		equals += starts[k].pointers == starts[best].pointers;
	return equals == 1 && starts[best].pointers ? starts[best].row : NULL;
}
