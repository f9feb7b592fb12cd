#include "tests/support/sketch.h"

#include "base/mem.h"

#include <assert.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 16 };

void sketch_init(struct sketch *sketch, size_t size)
{
	*sketch = (struct sketch){ .memory = mem_zeroed(size, 1), .size = size, .start = SKETCH_START };
	sketch->image = (struct image){ .word = 8, .machine = EM_X86_64, .page_size = 4096 };
	sketch->chunks.header_bytes = HEADER;
}

void sketch_deinit(struct sketch *sketch)
{
	vec_deinit(&sketch->image.pieces);
	chunk_table_deinit(&sketch->chunks);
	vec_deinit(&sketch->packed);
	free(sketch->memory);
}

uint8_t *sketch_chunk(struct sketch *sketch, size_t bytes, enum chunk_state state)
{
	uint8_t *payload = sketch->memory + sketch->used + HEADER;

	assert(bytes % 16 == 0 && bytes >= 32 && bytes <= sketch->size - sketch->used);
	*vec_add(&sketch->packed) = (uint32_t)(sketch->used / 8) << 3 | (uint32_t)state;
	memcpy(payload - 8, &(uint64_t){ bytes | 1 }, 8);
	sketch->used += bytes;
	return payload;
}

uint8_t *sketch_bytes(struct sketch *sketch, enum chunk_state state, const void *bytes, size_t size)
{
	size_t chunk = (size + HEADER + 15) / 16 * 16;
	uint8_t *payload = sketch_chunk(sketch, chunk < 32 ? 32 : chunk, state);

	memcpy(payload, bytes, size);
	return payload;
}

uint8_t *sketch_text(struct sketch *sketch, enum chunk_state state, const char *text)
{
	return sketch_bytes(sketch, state, text, strlen(text));
}

vaddr sketch_address(const struct sketch *sketch, const uint8_t *at)
{
	return sketch->start + (vaddr)(at - sketch->memory);
}

void sketch_seal(struct sketch *sketch)
{
	struct range range = { sketch->start, sketch->start + sketch->used };
	struct chunk_block *block = chunk_table_add(&sketch->chunks, range, 0);

	*vec_add(&sketch->image.pieces) = (struct piece){ range, sketch->memory, true };
	block->count = sketch->packed.count;
	block->packed = mem_zeroed(block->count, sizeof *block->packed);
	memcpy(block->packed, sketch->packed.items, block->count * sizeof *block->packed);
	chunk_table_seal(&sketch->chunks);
}
