/* 7z archives (7zFormat.txt of the LZMA SDK 22.01, "SignatureHeader"). */
#include "analyze/validators/validators.h"

#include <zlib.h>

enum {
	SIGNATURE_BYTES = 6,
	START_HEADER_BYTES = 20,
	HEADER_BYTES = 32,
	NEWEST_MINOR = 4,
	CHECKED_MOST_BYTES = 64 << 20, /* of a header, which lists files; longer ones are not checked */
};

static bool crc_agrees(struct span covered, uint32_t crc)
{
	return crc32_z(0, covered.data, covered.size) == crc;
}

/* The start header has a CRC. It tells where the header is that ends the archive, and its CRC:
 * where that stands there and agrees, the whole archive is proven. */
bool validate_7z_archive(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	uint64_t offset, size;
	uint32_t crc;
	uint8_t major, minor;

	cursor_skip(&cursor, SIGNATURE_BYTES);
	major = cursor_u8(&cursor);
	minor = cursor_u8(&cursor);
	crc = cursor_u32(&cursor);
	if (!crc_agrees(span_part(bytes, cursor.at, START_HEADER_BYTES), crc))
		return false;
	offset = cursor_u64(&cursor);
	size = cursor_u64(&cursor);
	crc = cursor_u32(&cursor);
	if (!cursor_ok(&cursor) || major || minor > NEWEST_MINOR)
		return false;
	match_extend(match, HEADER_BYTES);
	if (offset > bytes.size || size > CHECKED_MOST_BYTES || offset + size > cursor_left(&cursor) ||
		!size)
		return true;
	match_worked(match, size);
	if (crc_agrees(span_part(bytes, HEADER_BYTES + offset, size), crc))
		match_extend(match, HEADER_BYTES + offset + size);
	return true;
}
