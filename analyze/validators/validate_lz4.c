/* LZ4 frames (LZ4 Frame Format Description 1.6.3): the descriptor's checksum and the chain of
 * blocks. */
#include "analyze/validators/validators.h"

#include <xxhash.h>

#define MAGIC 0x184d2204u

enum {
	VERSION = 1,
	BLOCK_CHECKSUM = 1 << 4,
	CONTENT_SIZE = 1 << 3,
	CONTENT_CHECKSUM = 1 << 2,
	FLAG_RESERVED = 1 << 1,
	DICTIONARY = 1 << 0,
	BLOCK_SIZE_RESERVED = 0x8f,
	SMALLEST_BLOCK = 4, /* 64 KiB; each further step is four times that, up to 7 */
};

#define BLOCK_IS_PLAIN 0x80000000u

/* The descriptor behind the magic. Its checksum is the second byte of XXH32. */
static bool read_descriptor(struct cursor *cursor, uint8_t *flags, uint32_t *block_max)
{
	size_t start = cursor->at, end;
	struct span descriptor;
	uint8_t block_size;

	*flags = cursor_u8(cursor);
	block_size = cursor_u8(cursor);
	if (*flags >> 6 != VERSION || *flags & FLAG_RESERVED || block_size & BLOCK_SIZE_RESERVED ||
		block_size >> 4 < SMALLEST_BLOCK)
		return false;
	*block_max = UINT32_C(1) << (8 + 2 * (block_size >> 4));
	cursor_skip(cursor, (*flags & CONTENT_SIZE ? 8 : 0) + (*flags & DICTIONARY ? 4 : 0));
	end = cursor->at;
	if (!cursor_ok(cursor))
		return false;
	descriptor = span_part(cursor->span, start, end - start);
	return cursor_u8(cursor) == (XXH32(descriptor.data, descriptor.size, 0) >> 8 & 0xff) &&
		   cursor_ok(cursor);
}

/* Whole blocks are proven. A block that cannot be one ends what is proven: the descriptor has a
 * checksum of its own, and a buffer may be written over behind it. */
bool validate_lz4_frame(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	uint32_t magic = cursor_u32(&cursor), block, block_max;
	uint8_t flags;

	if (magic != MAGIC || !read_descriptor(&cursor, &flags, &block_max))
		return false;
	match_extend(match, cursor.at);
	while ((block = cursor_u32(&cursor)) != 0) {
		if ((block & ~BLOCK_IS_PLAIN) > block_max)
			return true;
		cursor_skip(&cursor, block & ~BLOCK_IS_PLAIN);
		cursor_skip(&cursor, flags & BLOCK_CHECKSUM ? 4 : 0);
		if (!cursor_ok(&cursor))
			return true;
		match_extend(match, cursor.at);
	}
	if (cursor_ok(&cursor))
		match_extend(match, cursor.at);
	cursor_skip(&cursor, flags & CONTENT_CHECKSUM ? 4 : 0);
	if (cursor_ok(&cursor))
		match_extend(match, cursor.at);
	return true;
}
