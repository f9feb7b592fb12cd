/* WebAssembly modules (WebAssembly core specification 2.0, 5.5 modules, 5.2.2 integers). */
#include "analyze/validators/validators.h"

#include "base/text.h"

enum { HEADER_BYTES = 8, MOST_SECTIONS = 1 << 16, CUSTOM = 0 };

/* Where each section stands among the others (5.5.2): 13 is tag, of the exception proposal; 12, the
 * count of data, stands before code. */
static const uint8_t order[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6 };

/* An unsigned LEB128 of at most 32 bits. */
static uint32_t read_u32(struct cursor *cursor)
{
	uint32_t value = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t byte = cursor_u8(cursor);

		value |= (uint32_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	cursor->failed = true;
	return 0;
}

/* A custom section starts with its name, which is UTF-8. */
static bool name_is_text(struct span section)
{
	struct cursor cursor = cursor_make(section, false);
	struct span name = cursor_bytes(&cursor, read_u32(&cursor));
	size_t length;

	for (; name.size; name = span_part(name, length, name.size)) {
		length = text_utf8_length(name);
		if (!length)
			return false;
	}
	return cursor_ok(&cursor);
}

/* What counts items starts with their number: one that is larger than the section is none. */
static bool section_is_possible(uint8_t id, struct span section)
{
	struct cursor cursor = cursor_make(section, false);

	if (id == CUSTOM)
		return name_is_text(section);
	return read_u32(&cursor) <= section.size || id == 8 || id == 12; /* start; count of data */
}

/* Sections as far as they are whole and in order; one must be. */
bool validate_wasm_module(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	unsigned sections = 0;
	uint8_t before = 0;

	cursor_skip(&cursor, HEADER_BYTES);
	for (; sections < MOST_SECTIONS; sections++) {
		uint8_t id = cursor_u8(&cursor);
		struct span section = cursor_bytes(&cursor, read_u32(&cursor));

		if (!cursor_ok(&cursor) || id >= sizeof order || (id != CUSTOM && order[id] <= before) ||
			!section_is_possible(id, section))
			break;
		before = id == CUSTOM ? before : order[id];
		match_extend(match, cursor.at);
	}
	return sections;
}
