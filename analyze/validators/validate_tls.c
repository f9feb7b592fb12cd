/* TLS records (RFC 8446 5.1, RFC 5246 6.2.1): a chain whose lengths agree, or one handshake record
 * that holds exactly a hello. */
#include "analyze/validators/validators.h"

enum {
	CHANGE_CIPHER_SPEC = 20,
	HANDSHAKE = 22,
	APPLICATION_DATA = 23,
	RECORD_MAX_BYTES = (16 << 10) + 2048, /* RFC 5246 6.2.3: what encryption may add */
	CHAIN_MOST_BYTES = 4 << 20,           /* of one match; what follows is another's */
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	HELLO_MIN_BYTES = 38, /* version, random, and lengths of what follows */
};

/* What the record's first byte says it carries; NULL where the header cannot be one. */
static const char *read_header(struct cursor *cursor, size_t *length)
{
	static const char *const contents[] = { "change cipher spec", "alert", "handshake",
											"application data" };
	uint8_t type = cursor_u8(cursor);
	unsigned version = cursor_u16(cursor);

	*length = cursor_u16(cursor);
	if (!cursor_ok(cursor) || type < CHANGE_CIPHER_SPEC || type > APPLICATION_DATA ||
		version < 0x0301 || version > 0x0304 || !*length || *length > RECORD_MAX_BYTES ||
		(type == CHANGE_CIPHER_SPEC && *length != 1))
		return NULL;
	return contents[type - CHANGE_CIPHER_SPEC];
}

/* RFC 8446 4.1.2: type, length of 3 bytes, version 3.3 or below it, 32 random bytes, a
 * session id. */
static const char *hello_of(struct span record)
{
	struct cursor cursor = cursor_make(record, true);
	uint8_t type = cursor_u8(&cursor);
	uint32_t length = (uint32_t)cursor_u8(&cursor) << 16;
	unsigned version;

	length |= cursor_u16(&cursor);
	version = cursor_u16(&cursor);
	cursor_skip(&cursor, 32);
	if (!cursor_ok(&cursor) || (type != CLIENT_HELLO && type != SERVER_HELLO) ||
		length < HELLO_MIN_BYTES || length + 4 != record.size || version < 0x0301 ||
		version > 0x0303 || cursor_u8(&cursor) > 32)
		return NULL;
	return type == CLIENT_HELLO ? "client hello" : "server hello";
}

bool validate_tls_records(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, CHAIN_MOST_BYTES), true);
	const char *first = NULL, *content, *hello = NULL;
	size_t length, records = 0;

	while ((content = read_header(&cursor, &length))) {
		struct span record = cursor_bytes(&cursor, length);

		if (!cursor_ok(&cursor))
			break;
		if (!records++) {
			first = content;
			hello = bytes.data[0] == HANDSHAKE ? hello_of(record) : NULL;
		}
		match_extend(match, cursor.at);
	}
	if (!records || (records < 2 && !hello))
		return false;
	match_set(match, "content", span_string(hello ? hello : first));
	return true;
}
