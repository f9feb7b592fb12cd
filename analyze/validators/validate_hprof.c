/* Heap dumps of a JVM (HPROF binary format; OpenJDK 17, heapDumper.cpp): the header and the chain
 * of top-level records. */
#include "analyze/validators/validators.h"

/* "JAVA PROFILE 1.0.2" and its NUL, which the pattern has matched. */
enum { NAME_BYTES = 19, LAST_TAG = 0x2c };

static bool tag_is_known(uint8_t tag)
{
	const uint64_t known = 0x7full << 1 | 0x1full << 10 | 1ull << 0x1c | 1ull << LAST_TAG;

	return tag <= LAST_TAG && known >> tag & 1;
}

/* Identifiers of 4 or 8 bytes, the time in milliseconds: not before 1995, not after 2100. Records
 * are a tag, 4 bytes of time, 4 of length; those that are whole count. */
bool validate_hprof(struct span bytes, struct match *match)
{
	const uint64_t year = UINT64_C(31556952000), epoch = 1970;
	struct cursor cursor = cursor_make(bytes, true);
	uint32_t id_bytes;
	uint64_t time;

	cursor_skip(&cursor, NAME_BYTES);
	id_bytes = cursor_u32(&cursor);
	time = cursor_u64(&cursor);
	if (!cursor_ok(&cursor) || (id_bytes != 4 && id_bytes != 8) || time < (1995 - epoch) * year ||
		time > (2100 - epoch) * year)
		return false;
	while (cursor_ok(&cursor)) {
		match_extend(match, cursor.at);
		if (!tag_is_known(cursor_u8(&cursor)))
			break;
		cursor_skip(&cursor, 4);
		cursor_skip(&cursor, cursor_u32(&cursor));
	}
	return true;
}
