#include "analyze/heap/reader.h"

bool reader_move(struct reader *reader, vaddr address, uint64_t *word)
{
	const struct image *image = reader->image;
	size_t index = image_find(image, address);

	if (index < image->pieces.count && range_holds(image->pieces.items[index].range, address)) {
		const struct piece *piece = &image->pieces.items[index];
		uint64_t bytes = range_bytes(piece->range);

		reader->start = piece->range.start;
		reader->data = piece->data;
		reader->limit = bytes < image->word ? 0 : bytes - image->word + 1;
	}
	return image_word(image, address, word);
}
