/* image: the captured memory of the target, asked by target address. */
#ifndef ANALYZE_MEMORY_IMAGE_H
#define ANALYZE_MEMORY_IMAGE_H

#include "analyze/input/core.h"
#include "base/span.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>

/* A contiguous run of captured bytes. */
struct piece {
	struct range range;
	const uint8_t *data; /* range_bytes(range) bytes of the mapped file */
	bool writable;
};

/* Pieces by ascending address. Two pieces may touch (range.end == next.start) without their bytes
 * being neighbours in the file. */
struct image {
	unsigned word;    /* bytes of a target word: 4 or 8; always little-endian */
	uint16_t machine; /* EM_… */
	uint32_t page_size;
	VEC(struct piece) pieces;
};

/* Takes the segments of the core, which must outlive the image. */
void image_init(struct image *image, const struct core *core);
void image_deinit(struct image *image);

/* Index of the piece that holds the address or of the next one behind it (count: none). */
size_t image_find(const struct image *image, vaddr address);

/* Host address of `size` bytes at the target address; NULL unless one piece holds them all. */
const uint8_t *image_at(const struct image *image, vaddr address, uint64_t size);

/* As many contiguous bytes as are captured from the address on, at most `size`. */
struct span image_span(const struct image *image, vaddr address, uint64_t size);

/* A target word, zero-extended. False where it was not captured. */
bool image_word(const struct image *image, vaddr address, uint64_t *word);
bool image_u32(const struct image *image, vaddr address, uint32_t *value);
bool image_u16(const struct image *image, vaddr address, uint16_t *value);

/* Copies across piece borders; gives the bytes copied before the first one missing. */
uint64_t image_copy(const struct image *image, vaddr address, void *to, uint64_t size);

/* True where [address, address + size) is captured without a break. */
bool image_has(const struct image *image, vaddr address, uint64_t size);

#endif
