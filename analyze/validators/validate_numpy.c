/* Arrays that NumPy has saved (numpy.lib.format, "Format Version 1.0" to "3.0"). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

enum {
	NUMBER_DIGITS = 15,
	MAGIC_BYTES = 6,
	HEADER_MOST_BYTES = 64 << 10,
	DIMENSIONS = 32, /* NPY_MAXDIMS of NumPy 1 */
	TYPE_MOST_BYTES = 16,
};

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* '<f8': byte order, kind, bytes of an item (characters of 4 bytes for U). */
static bool read_type(struct cursor *cursor, struct span *type, uint64_t *item)
{
	struct cursor field;
	size_t size = 0;
	uint8_t kind;

	if (!text_take(cursor, "'"))
		return false;
	while (size < TYPE_MOST_BYTES && size < cursor_left(cursor) &&
		   cursor->span.data[cursor->at + size] != '\'')
		size++;
	*type = cursor_bytes(cursor, size);
	field = cursor_make(*type, false);
	if (!is_one_of(cursor_u8(&field), "<>|="))
		return false;
	kind = cursor_u8(&field);
	if (!is_one_of(kind, "biufcmMOSUV") || !text_take_number(&field, NUMBER_DIGITS, item))
		return false;
	*item *= kind == 'U' ? 4 : 1;
	return cursor_ok(&field) && text_take(cursor, "'");
}

/* (2, 3), (5,) or (): the items. */
static bool read_shape(struct cursor *cursor, uint64_t *items)
{
	*items = 1;
	if (!text_take(cursor, "("))
		return false;
	for (int i = 0; i <= DIMENSIONS && !text_take(cursor, ")"); i++) {
		uint64_t length;

		if (!text_take_number(cursor, NUMBER_DIGITS, &length) ||
			__builtin_mul_overflow(*items, length, items))
			return false;
		if (!text_take(cursor, ", ") && !text_take(cursor, ","))
			return text_take(cursor, ")");
	}
	return cursor->span.data[cursor->at - 1] == ')';
}

/* The keys stand in the order of their names, as NumPy writes them. Arrays of records have a list
 * as their type: their header counts alone. */
static bool read_header(struct span header, struct match *match, uint64_t *size)
{
	struct cursor cursor = cursor_make(header, false);
	uint64_t item, items;
	struct span type;

	if (!text_take(&cursor, "{'descr': "))
		return false;
	*size = 0;
	if (text_take(&cursor, "["))
		return true;
	if (!read_type(&cursor, &type, &item) || !text_take(&cursor, ", 'fortran_order': ") ||
		(!text_take(&cursor, "False") && !text_take(&cursor, "True")) ||
		!text_take(&cursor, ", 'shape': ") || !read_shape(&cursor, &items) ||
		!text_take(&cursor, ", }") || __builtin_mul_overflow(item, items, size))
		return false;
	match_set(match, "type", type);
	return true;
}

bool validate_numpy_header(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	uint8_t major, minor;
	struct span header;
	uint64_t size;

	cursor_skip(&cursor, MAGIC_BYTES);
	major = cursor_u8(&cursor);
	minor = cursor_u8(&cursor);
	size = major == 1 ? cursor_u16(&cursor) : cursor_u32(&cursor);
	header = cursor_bytes(&cursor, size <= HEADER_MOST_BYTES ? size : SIZE_MAX);
	if (!cursor_ok(&cursor) || major < 1 || major > 3 || minor || !header.size || cursor.at % 16 ||
		header.data[header.size - 1] != '\n' || !read_header(header, match, &size))
		return false;
	match_extend(match, cursor.at + (size <= bytes.size - cursor.at ? size : 0));
	return true;
}
