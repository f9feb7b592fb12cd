/* Arrays that NumPy has saved (numpy.lib.format, "Format Version 1.0" to "3.0"). */
#include "analyze/validators/validators.h"

#include <string.h>

enum {
	MAGIC_BYTES = 6,
	HEADER_MOST_BYTES = 64 << 10,
	DIMENSIONS = 32, /* NPY_MAXDIMS of NumPy 1 */
	TYPE_MOST_BYTES = 16,
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

static bool take(struct cursor *cursor, const char *word)
{
	struct span wanted = span_string(word);

	if (!span_equal(span_part(cursor->span, cursor->at, wanted.size), wanted))
		return false;
	cursor->at += wanted.size;
	return true;
}

static bool read_number(struct cursor *cursor, uint64_t *number)
{
	size_t start = cursor->at;

	*number = 0;
	while (cursor_left(cursor) && is_digit(cursor->span.data[cursor->at]) &&
		   cursor->at - start < 15)
		*number = *number * 10 + (uint64_t)(cursor_u8(cursor) - '0');
	return cursor->at > start;
}

/* '<f8': byte order, kind, bytes of an item (characters of 4 bytes for U). */
static bool read_type(struct cursor *cursor, struct span *type, uint64_t *item)
{
	struct cursor field;
	size_t size = 0;
	uint8_t kind;

	if (!take(cursor, "'"))
		return false;
	while (size < TYPE_MOST_BYTES && size < cursor_left(cursor) &&
		   cursor->span.data[cursor->at + size] != '\'')
		size++;
	*type = cursor_bytes(cursor, size);
	field = cursor_make(*type, false);
	if (!is_one_of(cursor_u8(&field), "<>|="))
		return false;
	kind = cursor_u8(&field);
	if (!is_one_of(kind, "biufcmMOSUV") || !read_number(&field, item))
		return false;
	*item *= kind == 'U' ? 4 : 1;
	return cursor_ok(&field) && take(cursor, "'");
}

/* (2, 3), (5,) or (): the items. */
static bool read_shape(struct cursor *cursor, uint64_t *items)
{
	*items = 1;
	if (!take(cursor, "("))
		return false;
	for (int i = 0; i <= DIMENSIONS && !take(cursor, ")"); i++) {
		uint64_t length;

		if (!read_number(cursor, &length) || __builtin_mul_overflow(*items, length, items))
			return false;
		if (!take(cursor, ", ") && !take(cursor, ","))
			return take(cursor, ")");
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

	if (!take(&cursor, "{'descr': "))
		return false;
	*size = 0;
	if (take(&cursor, "["))
		return true;
	if (!read_type(&cursor, &type, &item) || !take(&cursor, ", 'fortran_order': ") ||
		(!take(&cursor, "False") && !take(&cursor, "True")) || !take(&cursor, ", 'shape': ") ||
		!read_shape(&cursor, &items) || !take(&cursor, ", }") ||
		__builtin_mul_overflow(item, items, size))
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
