/* Packed fonts: WOFF File Format 1.0 (W3C 2012, 4 header, 5 table directory) and 2.0 (W3C 2022, 4.1
 * header). */
#include "analyze/validators/validators.h"

enum { WOFF_HEADER_BYTES = 44, WOFF2_HEADER_BYTES = 48, RECORD_BYTES = 20, MOST_TABLES = 64 };

#define MAGIC_WOFF2 0x774f4632u
#define FLAVOUR_TRUETYPE 0x00010000u
#define FLAVOUR_OTTO 0x4f54544fu

/* Version 1 lists its tables with their packed and unpacked sizes; both must make sense. */
static bool records_are_sane(struct cursor *cursor, unsigned tables, uint32_t size)
{
	for (unsigned i = 0; i < tables; i++) {
		uint32_t at, packed, unpacked;

		cursor_skip(cursor, 4); /* tag */
		at = cursor_u32(cursor);
		packed = cursor_u32(cursor);
		unpacked = cursor_u32(cursor);
		cursor_skip(cursor, 4); /* checksum */
		if (at % 4 || at < WOFF_HEADER_BYTES + RECORD_BYTES * tables || at > size ||
			packed > size - at || packed > unpacked)
			return false;
	}
	return cursor_ok(cursor);
}

/* The whole font where it is there, else what was read of it. */
bool validate_woff(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	bool second = cursor_u32(&cursor) == MAGIC_WOFF2;
	uint32_t flavour = cursor_u32(&cursor), size = cursor_u32(&cursor), unpacked, packed = 0;
	unsigned tables = cursor_u16(&cursor), reserved = cursor_u16(&cursor);

	unpacked = cursor_u32(&cursor);
	if (second)
		packed = cursor_u32(&cursor);
	cursor_skip(&cursor, 24); /* version, metadata, private data */
	if (!cursor_ok(&cursor) || (flavour != FLAVOUR_TRUETYPE && flavour != FLAVOUR_OTTO) ||
		reserved || !tables || tables > MOST_TABLES || size <= cursor.at || packed >= size ||
		unpacked % 4 || unpacked <= RECORD_BYTES * tables || (second && !packed))
		return false;
	if (!second && !records_are_sane(&cursor, tables, size))
		return false;
	match_extend(match, size <= bytes.size ? size : cursor.at);
	return true;
}
