/* Zstandard frames (RFC 8878 3.1.1): the header and the chain of blocks; nothing is
 * decompressed. */
#include "analyze/validators/validators.h"

#define MAGIC 0xfd2fb528u

enum {
	SINGLE_SEGMENT = 1 << 5,
	RESERVED = 1 << 3,
	CHECKSUM = 1 << 2,
	BLOCK_MAX_BYTES = 128 << 10, /* 3.1.1.2.4 */
	BLOCK_RLE = 1,
	BLOCK_COMPRESSED = 2,
	BLOCK_RESERVED = 3,
	LITERALS_TREELESS = 3, /* 3.1.1.3.1.1: takes the table of a block before */
};

/* 3.1.1.1.4: the size of the content, of 0, 1, 2, 4 or 8 bytes; unknown is the largest. */
static uint64_t read_content_size(struct cursor *cursor, uint8_t descriptor)
{
	switch (descriptor >> 6) {
	case 0:
		return descriptor & SINGLE_SEGMENT ? cursor_u8(cursor) : UINT64_MAX;
	case 1:
		return cursor_u16(cursor) + UINT64_C(256);
	case 2:
		return cursor_u32(cursor);
	default:
		return cursor_u64(cursor);
	}
}

/* Reads the header behind the magic; `block_max` is the largest a block may be. */
static bool read_header(struct cursor *cursor, uint8_t *descriptor, uint64_t *block_max)
{
	static const uint8_t dictionary_bytes[] = { 0, 1, 2, 4 };
	uint64_t window = 0, content;

	*descriptor = cursor_u8(cursor);
	if (*descriptor & RESERVED)
		return false;
	if (!(*descriptor & SINGLE_SEGMENT)) { /* 3.1.1.1.2 */
		uint8_t byte = cursor_u8(cursor);

		window = UINT64_C(1) << (10 + (byte >> 3));
		window += window / 8 * (byte & 7);
	}
	cursor_skip(cursor, dictionary_bytes[*descriptor & 3]);
	content = read_content_size(cursor, *descriptor);
	if (*descriptor & SINGLE_SEGMENT)
		window = content;
	*block_max = window < BLOCK_MAX_BYTES ? window : BLOCK_MAX_BYTES;
	return cursor_ok(cursor);
}

struct block {
	bool last, possible;
	uint8_t type;
	uint32_t bytes; /* that it takes in the frame */
};

static struct block read_block(struct cursor *cursor, uint64_t block_max)
{
	uint32_t head = cursor_u16(cursor);
	struct block block;

	head |= (uint32_t)cursor_u8(cursor) << 16;
	block.last = head & 1;
	block.type = head >> 1 & 3;
	block.bytes = block.type == BLOCK_RLE ? 1 : head >> 3;
	block.possible = cursor_ok(cursor) && block.type != BLOCK_RESERVED && head >> 3 <= block_max;
	return block;
}

/* The first block starts without tables. False where it needs one, or is not there. */
static bool first_is_possible(struct cursor cursor, struct block block)
{
	uint8_t literals;

	if (!block.possible || block.type != BLOCK_COMPRESSED)
		return block.possible;
	literals = cursor_u8(&cursor);
	return cursor_ok(&cursor) && block.bytes > 2 && (literals & 3) != LITERALS_TREELESS;
}

/* Whole blocks are proven, and the header where the first one is cut short by the chunk's end. A
 * block that cannot be one is damage: then what is before it does not count either. */
bool validate_zstd_frame(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	uint32_t magic = cursor_u32(&cursor);
	uint64_t block_max;
	uint8_t descriptor;
	struct block block;

	if (magic != MAGIC || !read_header(&cursor, &descriptor, &block_max))
		return false;
	block = read_block(&cursor, block_max);
	if (!first_is_possible(cursor, block))
		return false;
	match_extend(match, cursor.at);
	for (;;) {
		cursor_skip(&cursor, block.bytes);
		if (!cursor_ok(&cursor))
			return true;
		match_extend(match, cursor.at);
		if (block.last)
			break;
		block = read_block(&cursor, block_max);
		if (!cursor_ok(&cursor))
			return true;
		if (!block.possible)
			return false;
	}
	cursor_skip(&cursor, descriptor & CHECKSUM ? 4 : 0);
	if (cursor_ok(&cursor))
		match_extend(match, cursor.at);
	return true;
}
