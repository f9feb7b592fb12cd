/* pointers: which words of memory lead to which chunk. Conservative: any aligned word that, read as
 * an address, lies in the part of a chunk that the program may use is a pointer to it, at its start
 * or inside. Of 64-bit words that is nearly always true; of 32-bit words text and numbers are more
 * often taken for pointers.
 *
 * A chunk's usable bytes begin behind its header and, unless it is mmapped, end one word into the
 * next chunk (glibc malloc/malloc.c, "struct malloc_chunk", memsize). So the address of a chunk's
 * header is in the usable bytes of the chunk before it: links of free lists, which lead to headers,
 * must not be read as pointers. */
#ifndef ANALYZE_ATTRIBUTE_POINTERS_H
#define ANALYZE_ATTRIBUTE_POINTERS_H

#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A chunk by its place in the table. */
struct chunk_place {
	uint32_t block;
	uint32_t index;
};

/* Not safe for use by several threads at once: each makes its own. */
struct pointers {
	const struct chunk_table *table;
	const struct image *image;
	struct range all; /* no word outside of it is a pointer to a chunk */
	uint32_t last;    /* block that the last pointer led to */
	size_t piece;     /* of the image, that was read last */
};

struct pointers pointers_make(const struct image *image, const struct chunk_table *table);

/* The usable bytes of the chunk. */
struct range pointers_usable(const struct chunk_table *table, const struct chunk *chunk);

/* The chunk in whose usable bytes the address is, in any state. */
bool pointers_find(struct pointers *pointers, vaddr address, struct chunk_place *place,
				   struct chunk *chunk);

/* The next bytes of the range that were captured, from whole words on; empty at its end. `range`
 * then starts behind them. `at` is the address of the first byte. */
struct span pointers_next(struct pointers *pointers, struct range *range, vaddr *at);

/* The word at the offset, zero-extended. */
static inline uint64_t pointers_word(const uint8_t *bytes, unsigned word)
{
	uint64_t whole;
	uint32_t half;

	if (word == 8) {
		memcpy(&whole, bytes, 8);
		return whole;
	}
	memcpy(&half, bytes, 4);
	return half;
}

#endif
