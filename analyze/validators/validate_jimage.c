/* jimage files, the modules of a Java run-time image (OpenJDK 17, imageFile.hpp, class
 * ImageHeader), in the byte order of the machine that wrote them. */
#include "analyze/validators/validators.h"

#define MAGIC 0xcafedadau
#define VERSION_1_0 0x00010000u

enum { HEADER_BYTES = 28, COUNT_MAX = 1 << 24 };

/* Behind the header stand two tables of 4 bytes an entry, then the attributes, then the strings;
 * they count where the chunk holds them. */
bool validate_jimage(struct span bytes, struct match *match)
{
	bool big_endian = bytes.size && bytes.data[0] == 0xca;
	struct cursor cursor = cursor_make(bytes, big_endian);
	uint32_t magic = cursor_u32(&cursor), version = cursor_u32(&cursor), resources, entries;
	uint64_t rest;

	cursor_skip(&cursor, 4); /* flags */
	resources = cursor_u32(&cursor);
	entries = cursor_u32(&cursor);
	rest = cursor_u32(&cursor);
	rest += cursor_u32(&cursor);
	if (!cursor_ok(&cursor) || magic != MAGIC || version != VERSION_1_0 || !resources ||
		resources > entries || entries > COUNT_MAX || rest < entries)
		return false;
	match_extend(match, HEADER_BYTES);
	cursor_skip(&cursor, UINT64_C(8) * entries + rest);
	if (cursor_ok(&cursor))
		match_extend(match, cursor.at);
	return true;
}
