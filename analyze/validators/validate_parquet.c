/* The footer of Parquet files (Apache Parquet format 2.10, "File Format", parquet.thrift
 * FileMetaData; Thrift's thrift-compact-protocol.md). */
#include "analyze/validators/validators.h"

enum {
	MOST_DEPTH = 12,
	MOST_BYTES = 16 << 20, /* looked at for one footer */
	TAIL_BYTES = 8,        /* length of the footer and PAR1 */
	WANTED_FIELDS = 0x1e,  /* 1 version, 2 schema, 3 rows, 4 row groups: all are required */
	CREATED_BY = 6,
};

/* Types of the compact protocol. */
enum { TRUE = 1, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT };

static uint64_t read_varint(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(cursor);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	cursor->failed = true;
	return 0;
}

static bool skip_value(struct cursor *cursor, unsigned type, unsigned depth);

/* The header of a field: the difference to the last id and the type, in one byte where it fits. 0
 * is the end of the structure. */
static unsigned read_field(struct cursor *cursor, unsigned *id)
{
	uint8_t byte = cursor_u8(cursor);

	if (byte >> 4)
		*id += byte >> 4;
	else if (byte)
		*id = (unsigned)(read_varint(cursor) >> 1);
	return byte & 15;
}

static bool skip_struct(struct cursor *cursor, unsigned depth)
{
	unsigned id = 0, type;

	while ((type = read_field(cursor, &id)) != 0)
		if (type <= FALSE ? false : !skip_value(cursor, type, depth))
			return false;
	return cursor_ok(cursor);
}

/* Booleans in a list take a byte each; no map stands in a footer. */
static bool skip_list(struct cursor *cursor, unsigned depth)
{
	uint8_t byte = cursor_u8(cursor);
	uint64_t count = byte >> 4 == 15 ? read_varint(cursor) : byte >> 4;
	unsigned type = byte & 15;

	for (; count && cursor_ok(cursor); count--)
		if (!skip_value(cursor, type <= FALSE ? BYTE : type, depth))
			return false;
	return cursor_ok(cursor);
}

static bool skip_value(struct cursor *cursor, unsigned type, unsigned depth)
{
	if (depth > MOST_DEPTH)
		return false;
	switch (type) {
	case BYTE:
		cursor_skip(cursor, 1);
		break;
	case I16:
	case I32:
	case I64:
		read_varint(cursor);
		break;
	case DOUBLE:
		cursor_skip(cursor, 8);
		break;
	case BINARY:
		cursor_skip(cursor, read_varint(cursor));
		break;
	case LIST:
	case SET:
		return skip_list(cursor, depth + 1);
	case STRUCT:
		return skip_struct(cursor, depth + 1);
	default:
		return false;
	}
	return cursor_ok(cursor);
}

/* Fields of FileMetaData up to the structure's end. */
static bool read_metadata(struct cursor *cursor, struct match *match)
{
	unsigned id = 0, type, seen = 0;

	while ((type = read_field(cursor, &id)) != 0) {
		if (id == 0 || id > 9 || type <= FALSE)
			return false;
		seen |= 1u << id;
		if (id == CREATED_BY && type == BINARY) {
			struct span writer = cursor_bytes(cursor, read_varint(cursor));

			if (cursor_ok(cursor))
				match_set(match, "writer", writer);
		} else if (!skip_value(cursor, type, 0)) {
			return false;
		}
	}
	return cursor_ok(cursor) && (seen & WANTED_FIELDS) == WANTED_FIELDS;
}

/* The whole metadata; length and magic too where they follow and agree. */
bool validate_parquet_footer(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, MOST_BYTES), false);
	size_t size;

	if (!read_metadata(&cursor, match))
		return false;
	size = cursor.at;
	match_extend(match, size);
	if (cursor_u32(&cursor) == size && cursor_u32(&cursor) == 0x31524150)
		match_extend(match, size + TAIL_BYTES);
	return true;
}
