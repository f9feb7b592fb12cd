/* Chunks of a flight recording (OpenJDK 17, jfrChunkWriter.cpp): the header, all of it
 * big-endian. */
#include "analyze/validators/validators.h"

enum { MAGIC_BYTES = 4, HEADER_BYTES = 68, NEWEST_MAJOR = 2, NEWEST_MINOR = 9 };

/* Size, places of the constant pool and of the metadata, start, duration, ticks, their
 * frequency. The size is 0 or grows while the chunk is being written; the places are 0 or
 * behind the header. */
bool validate_jfr_chunk(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	unsigned major, minor;
	uint64_t size, pool, metadata, start, frequency;

	cursor_skip(&cursor, MAGIC_BYTES);
	major = cursor_u16(&cursor);
	minor = cursor_u16(&cursor);
	size = cursor_u64(&cursor);
	pool = cursor_u64(&cursor);
	metadata = cursor_u64(&cursor);
	start = cursor_u64(&cursor);
	cursor_skip(&cursor, 16); /* duration, ticks at the start */
	frequency = cursor_u64(&cursor);
	cursor_skip(&cursor, 4); /* state, features */
	if (!cursor_ok(&cursor) || !major || major > NEWEST_MAJOR || minor > NEWEST_MINOR || !start ||
		start >> 62 || !frequency || frequency > UINT64_C(100000000000) ||
		(size && size < HEADER_BYTES) || (pool && pool < HEADER_BYTES) ||
		(metadata && metadata < HEADER_BYTES) || (size && (pool > size || metadata > size)))
		return false;
	match_extend(match, HEADER_BYTES);
	if (size <= bytes.size)
		match_extend(match, size);
	return true;
}
