/* bzip2 streams (as bzip2 1.0.8 reads them, decompress.c BZ2_decompress): the header and what
 * stands before the tables of the first block. The tables are bits, not bytes, and are not
 * read. */
#include "analyze/validators/validators.h"

enum { LEVEL_AT = 3, BLOCK_AT = 10, BLOCK_UNIT = 100000 };

/* Block CRC, one bit "randomised" that no writer has set since 0.9.0, 24 bits of the place where
 * the block's first byte is: within the block, and that is at most `level` units. */
bool validate_bzip2(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	uint32_t level, bits, origin;

	cursor_skip(&cursor, LEVEL_AT);
	level = cursor_u8(&cursor) - '0';
	cursor_skip(&cursor, BLOCK_AT - LEVEL_AT - 1);
	cursor_skip(&cursor, 4);
	bits = cursor_u32(&cursor);
	origin = bits >> 7 & 0xffffff;
	if (!cursor_ok(&cursor) || level < 1 || level > 9 || bits >> 31 || origin >= level * BLOCK_UNIT)
		return false;
	match_extend(match, cursor.at);
	return true;
}
