/* shape: what the first words of a chunk look like, without saying what is in them. */
#ifndef ANALYZE_ATTRIBUTE_SHAPE_H
#define ANALYZE_ATTRIBUTE_SHAPE_H

#include "analyze/memory/regions.h"
#include "base/pool.h"
#include "base/vaddr.h"

#include <stdint.h>

enum { SHAPE_WORDS = 4, SHAPE_BITS = 3 };

/* What a word looks like: mapped memory is at its address, printable ASCII, a number below 2^32 (of
 * words of 4 bytes: 2^16). */
enum word_class {
	WORD_NONE,
	WORD_ZERO,
	WORD_POINTER,
	WORD_TEXT,
	WORD_INT,
	WORD_DATA,
	WORD_MISSING
};

/* A shape is a number: SHAPE_WORDS classes of SHAPE_BITS each, first word lowest. */

/* Asked by one thread; remembers the last region a pointer led to. */
struct shape_reader {
	const struct regions *regions;
	unsigned word; /* bytes of a target word: 4 or 8 */
	struct range all;
	struct range last;
};

struct shape_reader shape_reader_make(const struct regions *regions, unsigned word);

/* Of the word at `bytes`; never WORD_NONE or WORD_MISSING. */
enum word_class shape_word(struct shape_reader *reader, const uint8_t *bytes);

/* Shape of `size` bytes, of which the first SHAPE_WORDS words count. NULL bytes: not captured. */
uint32_t shape_of(struct shape_reader *reader, const uint8_t *bytes, uint64_t size);

/* "ptr ptr 0 text": ptr leads to mapped memory, 0 is zero, int is a number below 2^32, text is
 * printable ASCII, data is anything else, ? was not captured. */
const char *shape_text(uint32_t shape, struct pool *pool);

/* "pointers", "text", "zeros", "mixed" (words of several kinds), "binary", "unknown". */
const char *shape_kind(uint32_t shape);

#endif
