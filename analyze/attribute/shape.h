/* shape: what the first words of a chunk look like, without saying what is in them. */
#ifndef ANALYZE_ATTRIBUTE_SHAPE_H
#define ANALYZE_ATTRIBUTE_SHAPE_H

#include "analyze/memory/regions.h"
#include "base/pool.h"
#include "base/vaddr.h"

#include <stdint.h>

enum { SHAPE_WORDS = 4, SHAPE_BITS = 3 };

/* A shape is a number: SHAPE_WORDS classes of SHAPE_BITS each, first word lowest. */

/* Asked by one thread; remembers the last region a pointer led to. */
struct shape_reader {
	const struct regions *regions;
	unsigned word; /* bytes of a target word: 4 or 8 */
	struct range all;
	struct range last;
};

struct shape_reader shape_reader_make(const struct regions *regions, unsigned word);

/* Shape of `size` bytes, of which the first SHAPE_WORDS words count. NULL bytes: not captured. */
uint32_t shape_of(struct shape_reader *reader, const uint8_t *bytes, uint64_t size);

/* "ptr ptr 0 text": ptr leads to mapped memory, 0 is zero, int is a number below 2^32, text is
 * printable ASCII, data is anything else, ? was not captured. */
const char *shape_text(uint32_t shape, struct pool *pool);

/* "pointers", "text", "zeros", "mixed" (words of several kinds), "binary", "unknown". */
const char *shape_kind(uint32_t shape);

#endif
