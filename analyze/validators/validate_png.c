/* PNG (Portable Network Graphics, third edition, W3C 2025: 5.2 signature, 5.3 chunk layout, 11.2.1
 * IHDR). */
#include "analyze/validators/validators.h"

#include <zlib.h>

enum {
	SIGNATURE_BYTES = 8,
	IHDR_BYTES = 13,
	CHUNK_BYTES = 12,         /* length, type and CRC around the data */
	CRC_MOST_BYTES = 4 << 20, /* checked of one picture; what is behind counts no more */
	SIDE_MAX = 1 << 24,       /* pixels; the format allows 2^31 - 1 */
};

#define TYPE_IHDR 0x49484452u
#define TYPE_IEND 0x49454e44u

/* Reads one chunk with its CRC. False where it is not all there or the CRC is another. */
static bool read_chunk(struct cursor *cursor, uint32_t *type, struct span *data)
{
	uint32_t length = cursor_u32(cursor), crc;
	size_t type_at = cursor->at;

	*type = cursor_u32(cursor);
	*data = cursor_bytes(cursor, length);
	crc = cursor_u32(cursor);
	if (!cursor_ok(cursor) || length > CRC_MOST_BYTES)
		return false;
	return crc32(0, cursor->span.data + type_at, length + 4) == crc;
}

/* Depths that table 11.1 allows for each colour type. */
static bool depth_is_allowed(uint8_t depth, uint8_t colour)
{
	static const uint32_t allowed[] = { 0x10116, 0, 0x10100, 0x116, 0x10100, 0, 0x10100 };

	return colour < sizeof allowed / sizeof *allowed && depth <= 16 &&
		   (allowed[colour] >> depth & 1);
}

static bool read_header(struct cursor *cursor, struct match *match)
{
	uint32_t type, width, height;
	struct span data;
	struct cursor field;
	uint8_t depth, colour;

	if (!read_chunk(cursor, &type, &data) || type != TYPE_IHDR || data.size != IHDR_BYTES)
		return false;
	field = cursor_make(data, true);
	width = cursor_u32(&field);
	height = cursor_u32(&field);
	depth = cursor_u8(&field);
	colour = cursor_u8(&field);
	if (!width || !height || width > SIDE_MAX || height > SIDE_MAX ||
		!depth_is_allowed(depth, colour))
		return false;
	match_build(match, "size", "%ux%u", width, height);
	return true;
}

/* The chain of chunks as far as their CRCs agree, at most to IEND. */
bool validate_png(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	uint32_t type = 0;
	struct span data;

	cursor_skip(&cursor, SIGNATURE_BYTES);
	if (!read_header(&cursor, match))
		return false;
	do
		match_extend(match, cursor.at);
	while (type != TYPE_IEND && cursor.at < CRC_MOST_BYTES && read_chunk(&cursor, &type, &data));
	match_worked(match, cursor.at);
	return true;
}
