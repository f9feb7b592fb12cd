#include "analyze/validators/class_format.h"

enum {
	OLDEST_MAJOR = 45, /* JDK 1.1 */
	NEWEST_MAJOR = 75, /* some releases ahead of JDK 25, which is 69 */
	FIRST_PREVIEW =
		56, /* from JDK 12 on a minor version is 0, or 65535 of preview features (4.1) */
	CONSTANTS_LEAST = 3,
	NAME_MAX_BYTES = 1024,
};

/* Table 4.4-A and what 4.4.1 to 4.4.10 ask of each. The bootstrap index of 17 and 18 is none of
 * the pool; the kind of 15 stands before its index. */
static const struct class_constant constants[] = {
	[1] = { 2, 0, 0 },   [3] = { 4, 0, 0 },   [4] = { 4, 0, 0 },   [5] = { 8, 0, 0 },
	[6] = { 8, 0, 0 },   [7] = { 2, 1, 0 },   [8] = { 2, 1, 0 },   [9] = { 4, 7, 12 },
	[10] = { 4, 7, 12 }, [11] = { 4, 7, 12 }, [12] = { 4, 1, 1 },  [15] = { 3, 0, 0 },
	[16] = { 2, 1, 0 },  [17] = { 4, 0, 12 }, [18] = { 4, 0, 12 }, [19] = { 2, 1, 0 },
	[20] = { 2, 1, 0 },
};

const struct class_constant *class_constant_find(uint8_t tag)
{
	if (tag >= sizeof constants / sizeof *constants || !constants[tag].bytes)
		return NULL;
	return &constants[tag];
}

unsigned class_constant_slots(uint8_t tag)
{
	return tag == CLASS_LONG || tag == CLASS_DOUBLE ? 2 : 1;
}

/* A Mach-O fat file has the same magic, and a small number where the versions are. */
bool class_header_read(struct cursor *cursor, uint32_t *slots)
{
	uint32_t magic = cursor_u32(cursor);
	unsigned minor = cursor_u16(cursor), major = cursor_u16(cursor);
	unsigned count = cursor_u16(cursor);

	*slots = count ? count - 1 : 0;
	return cursor_ok(cursor) && magic == 0xcafebabe && major >= OLDEST_MAJOR &&
		   major <= NEWEST_MAJOR && *slots >= CONSTANTS_LEAST &&
		   (major < FIRST_PREVIEW || minor == 0 || minor == 0xffff);
}

bool class_name_is_possible(struct span name)
{
	uint8_t before = '/';

	for (size_t i = 0; i < name.size; i++) {
		uint8_t c = name.data[i];

		if (c <= ' ' || c == 0x7f || c == '.' || c == ';' || c == '[' || (c == '/' && before == c))
			return false;
		before = c;
	}
	return name.size && name.size <= NAME_MAX_BYTES && before != '/';
}
