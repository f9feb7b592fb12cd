/* sketch: a small made-up heap for tests that need chunks but no malloc: memory, an image of it,
 * and a chunk table.
 *
 *     struct sketch sketch;
 *     sketch_init(&sketch, 1 << 20);
 *     uint8_t *payload = sketch_chunk(&sketch, 64, CHUNK_IN_USE);
 *     sketch_seal(&sketch);
 *     content_scan(&findings, rules, &sketch.image, NULL, &sketch.chunks, …);
 *     sketch_deinit(&sketch); */
#ifndef TESTS_SUPPORT_SKETCH_H
#define TESTS_SUPPORT_SKETCH_H

#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>

/* Address of the first chunk, unless a test sets `start` before it seals the sketch. */
#define SKETCH_START UINT64_C(0x7f3000000000)

struct sketch {
	uint8_t *memory;
	size_t size, used;
	vaddr start;
	struct image image;        /* x86_64, one piece */
	struct chunk_table chunks; /* one block */
	VEC(uint32_t) packed;
};

/* Room for `size` bytes of chunks, zeroed. */
void sketch_init(struct sketch *sketch, size_t size);
void sketch_deinit(struct sketch *sketch);

/* Appends a chunk of that size, header included, a multiple of 16. Gives its payload. */
uint8_t *sketch_chunk(struct sketch *sketch, size_t bytes, enum chunk_state state);

/* Appends the smallest chunk that holds the bytes, filled with them. Gives its payload. */
uint8_t *sketch_bytes(struct sketch *sketch, enum chunk_state state, const void *bytes,
					  size_t size);
uint8_t *sketch_text(struct sketch *sketch, enum chunk_state state, const char *text);

/* Target address of a place in the sketch's memory. */
vaddr sketch_address(const struct sketch *sketch, const uint8_t *at);

/* To be called once, behind the last chunk. */
void sketch_seal(struct sketch *sketch);

#endif
