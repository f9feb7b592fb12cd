/* Class files (Java Virtual Machine Specification, SE 22, chapter 4) and JAR manifests (JAR File
 * Specification, "JAR Manifest"). */
#include "analyze/validators/validators.h"

#include "base/text.h"

#include <string.h>

enum {
	OLDEST_MAJOR = 45, /* JDK 1.1 */
	NEWEST_MAJOR = 75, /* some releases ahead of JDK 25, which is 69 */
	NAME_MAX_BYTES = 1024,
	MANIFEST_MAX_BYTES = 1 << 20,
	TAG_UTF8 = 1,
	TAG_LONG = 5,
	TAG_DOUBLE = 6,
	TAG_CLASS = 7,
};

/* Bytes behind the tag of each constant (table 4.4-A); 0: no such tag. Utf8 has a length. */
static const uint8_t constant_bytes[] = {
	[TAG_UTF8] = 2, [3] = 4,  [4] = 4,  [TAG_LONG] = 8, [TAG_DOUBLE] = 8, [TAG_CLASS] = 2,
	[8] = 2,        [9] = 4,  [10] = 4, [11] = 4,       [12] = 4,         [15] = 3,
	[16] = 2,       [17] = 4, [18] = 4, [19] = 2,       [20] = 2,
};

/* Steps over one constant; `slots` is what it counts for in the index. */
static bool skip_constant(struct cursor *cursor, unsigned *slots, uint8_t *tag)
{
	*tag = cursor_u8(cursor);
	*slots = *tag == TAG_LONG || *tag == TAG_DOUBLE ? 2 : 1;
	if (*tag >= sizeof constant_bytes || !constant_bytes[*tag])
		return false;
	if (*tag == TAG_UTF8)
		cursor_skip(cursor, cursor_u16(cursor));
	else
		cursor_skip(cursor, constant_bytes[*tag]);
	return cursor_ok(cursor);
}

/* Walks the pool behind its count; False where it does not walk or is cut short. */
static bool skip_pool(struct cursor *cursor, unsigned count)
{
	unsigned slots;
	uint8_t tag;

	for (unsigned i = 1; i < count; i += slots)
		if (!skip_constant(cursor, &slots, &tag))
			return false;
	return true;
}

/* A cursor at the constant of that index, which must have that tag; behind the tag. */
static bool find_constant(struct cursor pool, unsigned index, uint8_t wanted,
						  struct cursor *constant)
{
	unsigned slots;
	uint8_t tag;

	for (unsigned i = 1; i <= index; i += slots) {
		*constant = pool;
		if (!skip_constant(&pool, &slots, &tag))
			return false;
		if (i == index) {
			cursor_skip(constant, 1);
			return tag == wanted;
		}
	}
	return false;
}

/* Internal form (4.2.1): no . ; [ and no empty part, plain bytes above the blank. */
static bool name_is_possible(struct span name)
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

static bool read_class_name(struct cursor pool, unsigned index, struct span *name)
{
	struct cursor constant;

	if (!find_constant(pool, index, TAG_CLASS, &constant) ||
		!find_constant(pool, cursor_u16(&constant), TAG_UTF8, &constant))
		return false;
	*name = cursor_bytes(&constant, cursor_u16(&constant));
	return name_is_possible(*name);
}

/* The attributes at the cursor (4.7): name index, u4 length, that many bytes. */
static bool skip_attributes(struct cursor *cursor)
{
	unsigned count = cursor_u16(cursor);

	for (unsigned i = 0; i < count && cursor_ok(cursor); i++) {
		cursor_skip(cursor, 2);
		cursor_skip(cursor, cursor_u32(cursor));
	}
	return cursor_ok(cursor);
}

/* Fields or methods (4.5, 4.6). */
static bool skip_members(struct cursor *cursor)
{
	unsigned count = cursor_u16(cursor);

	for (unsigned i = 0; i < count && cursor_ok(cursor); i++) {
		cursor_skip(cursor, 6);
		skip_attributes(cursor);
	}
	return cursor_ok(cursor);
}

/* What follows the pool. A class cut short by the end of its buffer is proven up to the last part
 * that is whole. */
static size_t class_extent(struct cursor cursor)
{
	size_t proven = cursor.at;

	cursor_skip(&cursor, 2ul * cursor_u16(&cursor)); /* interfaces */
	for (int part = 0; part < 3; part++) {
		if (!cursor_ok(&cursor))
			return proven;
		proven = cursor.at;
		if (!(part < 2 ? skip_members(&cursor) : skip_attributes(&cursor)))
			return proven;
	}
	return cursor.at;
}

bool validate_java_class(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true), pool;
	uint32_t magic = cursor_u32(&cursor);
	unsigned minor = cursor_u16(&cursor), major = cursor_u16(&cursor);
	unsigned count = cursor_u16(&cursor), this_class;
	struct span name;

	/* a Mach-O fat file has the same magic and a small number of architectures behind it */
	if (magic != 0xcafebabe || major < OLDEST_MAJOR || major > NEWEST_MAJOR || count < 4 ||
		(major >= 56 && minor != 0 && minor != 0xffff))
		return false;
	pool = cursor;
	if (!skip_pool(&cursor, count))
		return false;
	cursor_skip(&cursor, 2); /* access flags */
	this_class = cursor_u16(&cursor);
	cursor_skip(&cursor, 2); /* super class */
	if (!cursor_ok(&cursor) || !read_class_name(pool, this_class, &name))
		return false;
	match_set(match, "class", name);
	match_extend(match, class_extent(cursor));
	return true;
}

/* "Name: value" with a name of letters, digits, - and _, at most 70 bytes. */
static bool is_manifest_header(struct span line)
{
	enum { LONGEST_NAME = 70 };
	size_t length = 0;

	while (length < line.size &&
		   (line.data[length] == '-' || line.data[length] == '_' ||
			(line.data[length] >= '0' && line.data[length] <= '9') ||
			((line.data[length] | 32) >= 'a' && (line.data[length] | 32) <= 'z')))
		length++;
	return length && length <= LONGEST_NAME && length + 1 < line.size && line.data[length] == ':' &&
		   line.data[length + 1] == ' ';
}

static bool is_text_line(struct span line)
{
	while (line.size) {
		size_t length = text_utf8_length(line);

		if (!length || line.data[0] < ' ')
			return false;
		line = span_part(line, length, line.size);
	}
	return true;
}

/* Headers that say whose manifest it is, best first. */
static const char *const titles[] = {
	"Bundle-SymbolicName: ",
	"Automatic-Module-Name: ",
	"Implementation-Title: ",
	"Main-Class: ",
};

static void note_title(struct span line, size_t *best, struct match *match)
{
	for (size_t i = 0; i < *best; i++) {
		struct span wanted = span_string(titles[i]);

		if (!span_equal(span_part(line, 0, wanted.size), wanted))
			continue;
		match_set(match, "title", span_part(line, wanted.size, line.size));
		*best = i;
	}
}

/* Lines end with CRLF, LF or CR; a blank line ends a section and another may follow. The last line
 * counts only with its end. */
bool validate_jar_manifest(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, MANIFEST_MAX_BYTES), false);
	size_t lines = 0, best = sizeof titles / sizeof *titles;
	struct span line;

	while (cursor_line(&cursor, &line)) {
		bool whole = cursor.at && bytes.data[cursor.at - 1] == '\n';

		if (line.size && line.data[line.size - 1] == '\r')
			line.size--;
		if (!whole || !is_text_line(line) ||
			(line.size && line.data[0] != ' ' && !is_manifest_header(line)))
			break;
		note_title(line, &best, match);
		match_extend(match, cursor.at);
		lines++;
	}
	return lines >= 1;
}
