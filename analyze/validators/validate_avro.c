/* Avro object container files (Apache Avro specification 1.11, "Object Container Files", "Binary
 * Encoding"). */
#include "analyze/validators/validators.h"

#include <string.h>

enum {
	MAGIC_BYTES = 4,
	SYNC_BYTES = 16,
	MOST_KEYS = 256,
	SCHEMA_MOST_BYTES = 4 << 20,
};

/* A zigzag long in groups of 7 bits. */
static int64_t read_long(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(cursor);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
	}
	cursor->failed = true;
	return 0;
}

static struct span read_bytes(struct cursor *cursor)
{
	int64_t size = read_long(cursor);

	return cursor_bytes(cursor, size < 0 ? SIZE_MAX : (size_t)size);
}

static bool is_name_byte(uint8_t c)
{
	return c == '_' || c == '.' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* The first name in the schema's JSON is that of the record itself. */
static void note_name(struct span schema, struct match *match)
{
	static const char word[] = "\"name\"";
	const uint8_t *found = memmem(schema.data, schema.size, word, sizeof word - 1);
	struct span rest, name;
	size_t at = 0, size = 0;

	if (!found)
		return;
	rest = span_part(schema, (size_t)(found - schema.data) + sizeof word - 1, schema.size);
	while (at < rest.size && strchr(" :\n\t", rest.data[at]) && rest.data[at])
		at++;
	name = span_part(rest, at + 1, rest.size);
	while (size < name.size && is_name_byte(name.data[size]))
		size++;
	if (size && size < name.size && name.data[size] == '"')
		match_set(match, "name", span_part(name, 0, size));
}

/* The metadata: blocks of a count and so many pairs, the last of a count of 0. A negative count
 * has the block's bytes behind it. avro.schema must be among the keys. */
static bool read_metadata(struct cursor *cursor, struct match *match)
{
	bool has_schema = false;
	int64_t count;
	unsigned keys = 0;

	while ((count = read_long(cursor)) != 0 && cursor_ok(cursor)) {
		if (count < 0)
			read_long(cursor);
		if (count < -MOST_KEYS || count > MOST_KEYS)
			return false;
		for (int64_t i = count < 0 ? -count : count; i > 0 && cursor_ok(cursor); i--) {
			struct span key = read_bytes(cursor), value = read_bytes(cursor);

			if (++keys > MOST_KEYS || !cursor_ok(cursor))
				return false;
			if (!span_equal(key, span_string("avro.schema")) || value.size > SCHEMA_MOST_BYTES)
				continue;
			has_schema = true;
			note_name(value, match);
		}
	}
	return cursor_ok(cursor) && has_schema;
}

/* The header, and the blocks behind it as far as they end with the header's sync marker. */
bool validate_avro_container(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false);
	struct span sync, end;

	cursor_skip(&cursor, MAGIC_BYTES);
	if (!read_metadata(&cursor, match))
		return false;
	sync = cursor_bytes(&cursor, SYNC_BYTES);
	end = sync;
	while (cursor_ok(&cursor) && span_equal(end, sync)) {
		match_extend(match, cursor.at);
		if (read_long(&cursor) <= 0) /* objects in the block */
			break;
		read_bytes(&cursor);
		end = cursor_bytes(&cursor, SYNC_BYTES);
	}
	return sync.size == SYNC_BYTES;
}
