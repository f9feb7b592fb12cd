/* Snappy's framing format (github.com/google/snappy, framing_format.txt of 2013-10-25): the stream
 * identifier, ten bytes that the pattern has matched, and the chain of chunks behind it. */
#include "analyze/validators/validators.h"

enum {
	IDENTIFIER_BYTES = 10,
	CHUNK_COMPRESSED = 0x00,
	CHUNK_PLAIN = 0x01,
	CHUNK_SKIPPABLE = 0x80, /* and above: padding, the identifier again */
	CHECKSUM_BYTES = 4,
	CHUNK_MAX_BYTES = 65536, /* 4.2: of data in one chunk, unpacked */
};

/* A compressed chunk tells its unpacked size in up to three bytes of seven bits. */
static bool read_unpacked(struct cursor cursor)
{
	uint32_t size = 0;

	cursor_skip(&cursor, CHECKSUM_BYTES);
	for (int shift = 0; shift < 21; shift += 7) {
		uint8_t byte = cursor_u8(&cursor);

		size |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return cursor_ok(&cursor) && size <= CHUNK_MAX_BYTES;
	}
	return false;
}

static bool chunk_is_possible(const struct cursor *cursor, uint8_t type, uint32_t bytes)
{
	if (type == CHUNK_COMPRESSED)
		return bytes > CHECKSUM_BYTES && read_unpacked(*cursor);
	if (type == CHUNK_PLAIN)
		return bytes >= CHECKSUM_BYTES && bytes <= CHECKSUM_BYTES + CHUNK_MAX_BYTES;
	return type >= CHUNK_SKIPPABLE;
}

bool validate_snappy_frame(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);

	cursor_skip(&cursor, IDENTIFIER_BYTES);
	while (cursor_ok(&cursor)) {
		uint8_t type;
		uint32_t size;

		match_extend(match, cursor.at);
		type = cursor_u8(&cursor);
		size = cursor_u16(&cursor);
		size |= (uint32_t)cursor_u8(&cursor) << 16;
		if (!cursor_ok(&cursor) || !chunk_is_possible(&cursor, type, size))
			break;
		cursor_skip(&cursor, size);
	}
	return match->extent >= IDENTIFIER_BYTES;
}
