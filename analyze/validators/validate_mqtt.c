/* MQTT CONNECT packets (MQTT 3.1.1, 3.1; MQTT 5.0, 3.1): every field of the payload in its place,
 * and the packet's length used up. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

enum { HAS_PASSWORD = 0x40, HAS_USER = 0x80, HAS_WILL = 0x04, WILL_BITS = 0x38 };

/* A variable byte integer (MQTT 5.0, 1.5.5): seven bits a byte, four bytes at most. */
static size_t read_varint(struct cursor *cursor)
{
	size_t value = 0;

	for (unsigned shift = 0; shift < 28; shift += 7) {
		uint8_t byte = cursor_u8(cursor);

		value |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	cursor->failed = true;
	return 0;
}

static struct span read_field(struct cursor *cursor)
{
	return cursor_bytes(cursor, cursor_u16(cursor));
}

static void skip_properties(struct cursor *cursor, bool has_them)
{
	if (has_them)
		cursor_skip(cursor, read_varint(cursor));
}

static const char *version_of(struct span protocol, uint8_t level)
{
	if (level == 3 && span_equal(protocol, span_string("MQIsdp")))
		return "3.1";
	if (!span_equal(protocol, span_string("MQTT")))
		return NULL;
	return level == 4 ? "3.1.1" : level == 5 ? "5.0" : NULL;
}

/* Bit 0 is reserved (3.1.2.3); without a will its bits are 0, with one its QoS is at most 2. */
static bool flags_fit(uint8_t flags)
{
	return !(flags & 1) && ((flags & HAS_WILL) ? (flags & 0x18) != 0x18 : !(flags & WILL_BITS));
}

/* Client id, will, user name and password (3.1.3). */
static bool read_payload(struct cursor *cursor, uint8_t flags, bool has_properties)
{
	struct span client = read_field(cursor);

	if (flags & HAS_WILL) {
		skip_properties(cursor, has_properties);
		read_field(cursor);
		read_field(cursor);
	}
	if (flags & HAS_USER)
		read_field(cursor);
	if (flags & HAS_PASSWORD)
		read_field(cursor);
	return cursor_ok(cursor) && !cursor_left(cursor) && text_run_is_all(client);
}

/* Provides `version`. */
bool validate_mqtt_connect(struct span bytes, struct match *match)
{
	enum { CONNECT = 0x10 };
	struct cursor cursor = cursor_make(bytes, true), packet;
	uint8_t first = cursor_u8(&cursor), level, flags;
	struct span protocol;
	const char *version;

	packet = cursor_make(cursor_bytes(&cursor, read_varint(&cursor)), true);
	protocol = read_field(&packet);
	level = cursor_u8(&packet);
	flags = cursor_u8(&packet);
	cursor_skip(&packet, 2); /* keep alive */
	version = version_of(protocol, level);
	if (!cursor_ok(&cursor) || first != CONNECT || !version || !flags_fit(flags))
		return false;
	skip_properties(&packet, level == 5);
	if (!read_payload(&packet, flags, level == 5))
		return false;
	match_extend(match, cursor.at);
	match_set(match, "version", span_string(version));
	return true;
}
