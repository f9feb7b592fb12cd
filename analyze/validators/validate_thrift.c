/* Messages of Thrift's binary protocol, strict form (thrift-binary-protocol.md): version, name, and
 * a struct that is walked to its end. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

enum { MAX_DEPTH = 16, STOP = 0, STRING = 11, STRUCT = 12, MAP = 13, SET = 14, LIST = 15 };

/* Bytes of a value by its type; 0: has no fixed size or is no type. */
static const uint8_t fixed[] = { [2] = 1, [3] = 1, [4] = 8, [6] = 2, [8] = 4, [10] = 8, [16] = 16 };

static bool skip_value(struct cursor *cursor, uint8_t type, unsigned depth);

static bool skip_struct(struct cursor *cursor, unsigned depth)
{
	uint8_t type;

	while ((type = cursor_u8(cursor)) != STOP) {
		cursor_skip(cursor, 2); /* the field's id */
		if (!skip_value(cursor, type, depth))
			return false;
	}
	return cursor_ok(cursor);
}

/* Every value takes a byte at least, so a count beyond the bytes is a lie. */
static bool skip_container(struct cursor *cursor, bool map, unsigned depth)
{
	uint8_t key = map ? cursor_u8(cursor) : 0, type = cursor_u8(cursor);
	uint32_t count = cursor_u32(cursor);

	if (count > cursor_left(cursor))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if ((map && !skip_value(cursor, key, depth)) || !skip_value(cursor, type, depth))
			return false;
	return cursor_ok(cursor);
}

static bool skip_value(struct cursor *cursor, uint8_t type, unsigned depth)
{
	if (depth == MAX_DEPTH)
		return false;
	if (type == STRUCT)
		return skip_struct(cursor, depth + 1);
	if (type == MAP || type == SET || type == LIST)
		return skip_container(cursor, type == MAP, depth + 1);
	if (type == STRING) {
		cursor_skip(cursor, cursor_u32(cursor));
		return cursor_ok(cursor);
	}
	if (type >= sizeof fixed || !fixed[type])
		return false;
	cursor_skip(cursor, fixed[type]);
	return cursor_ok(cursor);
}

/* A method's name as the IDL has it, with its service in front where services are multiplexed. */
static bool is_method(struct span name)
{
	enum { LONGEST = 128 };

	for (size_t i = 0; i < name.size; i++)
		if (!text_is_letter(name.data[i]) && !(i && text_is_digit(name.data[i])) &&
			!(name.data[i] && strchr("_.:", name.data[i])))
			return false;
	return name.size && name.size <= LONGEST;
}

/* A whole message. Provides `method`. */
bool validate_thrift_message(struct span bytes, struct match *match)
{
	enum { MAX_BYTES = 16 << 20, VERSION_1 = 0x8001, ONEWAY = 4 };
	struct cursor cursor = cursor_make(span_part(bytes, 0, MAX_BYTES), true);
	uint16_t version = cursor_u16(&cursor), kind = cursor_u16(&cursor);
	struct span method = cursor_bytes(&cursor, cursor_u32(&cursor));
	bool good;

	cursor_skip(&cursor, 4); /* the call's number */
	if (version != VERSION_1 || !kind || kind > ONEWAY || !is_method(method))
		return false;
	good = skip_struct(&cursor, 0);
	match_worked(match, cursor.at);
	if (!good)
		return false;
	match_extend(match, cursor.at);
	match_set(match, "method", method);
	return true;
}
