/* XZ streams (The .xz File Format 1.2.0, 2.1.1 and 3.1): the stream header and the first block's,
 * which both have a CRC-32. */
#include "analyze/validators/validators.h"

#include <zlib.h>

enum { STREAM_HEADER_BYTES = 12, MAGIC_BYTES = 6, FLAGS_BYTES = 2, LAST_CHECK = 15 };

static bool crc_agrees(struct cursor *cursor, struct span covered)
{
	return cursor_u32(cursor) == crc32(0, covered.data, (uInt)covered.size) && cursor_ok(cursor);
}

/* The index of an empty stream starts with 00 where a block has the size of its header. */
static size_t block_header_bytes(struct cursor cursor)
{
	struct span rest = span_part(cursor.span, cursor.at, cursor.span.size);
	size_t bytes = ((size_t)cursor_u8(&cursor) + 1) * 4;
	struct span header = span_part(rest, 0, bytes - 4);

	if (bytes < 8 || rest.size < bytes)
		return 0;
	cursor = cursor_make(span_part(rest, bytes - 4, 4), false);
	return crc_agrees(&cursor, header) ? bytes : 0;
}

bool validate_xz_stream(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	struct span flags;

	cursor_skip(&cursor, MAGIC_BYTES);
	flags = cursor_bytes(&cursor, FLAGS_BYTES);
	if (!cursor_ok(&cursor) || flags.data[0] || flags.data[1] > LAST_CHECK ||
		!crc_agrees(&cursor, flags))
		return false;
	match_extend(match, STREAM_HEADER_BYTES + block_header_bytes(cursor));
	return true;
}
