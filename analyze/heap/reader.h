/* reader: target words read one after another from addresses near each other. As image_word, with
 * the last piece remembered, so that a walk over millions of words searches the image once a piece.
 */
#ifndef ANALYZE_HEAP_READER_H
#define ANALYZE_HEAP_READER_H

#include "analyze/memory/image.h"
#include "base/vaddr.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Not safe for use by several threads at once: each makes its own. */
struct reader {
	const struct image *image;
	vaddr start;         /* of the remembered piece */
	uint64_t limit;      /* offsets below it hold a whole word in the piece */
	const uint8_t *data; /* of the remembered piece */
};

static inline struct reader reader_make(const struct image *image)
{
	return (struct reader){ .image = image };
}

/* Remembers the piece that holds the address, and reads its word. */
bool reader_move(struct reader *reader, vaddr address, uint64_t *word);

/* The word at the address, zero-extended. False where it was not captured. */
static inline bool reader_word(struct reader *reader, vaddr address, uint64_t *word)
{
	uint64_t offset = address - reader->start;
	uint32_t half;

	if (offset >= reader->limit)
		return reader_move(reader, address, word);
	if (reader->image->word == 8) {
		memcpy(word, reader->data + offset, 8);
	} else {
		memcpy(&half, reader->data + offset, 4);
		*word = half;
	}
	return true;
}

/* Asks the processor to fetch the word at the address, if it is in the remembered piece. */
static inline void reader_prefetch(const struct reader *reader, vaddr address)
{
	uint64_t offset = address - reader->start;

	if (offset < reader->limit)
		__builtin_prefetch(reader->data + offset);
}

/* The word at the address, or 0 where it was not captured: for fields whose zero means "none". */
static inline uint64_t reader_word_or_zero(struct reader *reader, vaddr address)
{
	uint64_t word;

	return reader_word(reader, address, &word) ? word : 0;
}

#endif
