/* JSON Web Tokens: JWS (RFC 7515 3.1, three parts) and JWE (RFC 7516 3.1, five parts). */
#include "analyze/validators/validators.h"

#include <string.h>

enum { HEADER_MAX = 2048, TOKEN_MAX = 64 << 10, JWS_PARTS = 3, JWE_PARTS = 5 };

/* base64url of RFC 4648 5, without padding; -1 for other bytes. */
static int digit_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static size_t part_length(struct span bytes, size_t at)
{
	size_t length = 0;

	while (at + length < bytes.size && digit_of(bytes.data[at + length]) >= 0)
		length++;
	return length;
}

/* Bytes decoded; what does not make a whole byte at the end is left out. */
static size_t decode(struct span text, uint8_t *out)
{
	uint32_t bits = 0;
	size_t size = 0;

	for (size_t i = 0; i < text.size; i++) {
		bits = bits << 6 | (uint32_t)digit_of(text.data[i]);
		if (i % 4)
			out[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return size;
}

/* ws of RFC 8259 2. */
static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor_left(cursor) && is_blank(cursor->span.data[cursor->at]))
		cursor_skip(cursor, 1);
}

/* The value of "alg": letters, digits and signs of the registered names (RFC 7518 3.1), in a
 * header that is one JSON object. Empty where there is none. */
static struct span find_algorithm(struct span header)
{
	static const char key[] = "\"alg\"";
	struct match json = { 0 };
	const uint8_t *found = NULL;
	struct cursor cursor;
	size_t size = 0;

	if (validate_json_value(header, &json) && json.extent == header.size)
		found = memmem(header.data, header.size, key, sizeof key - 1);
	if (!found)
		return span_make(NULL, 0);
	cursor = cursor_make(header, false);
	cursor_skip(&cursor, (size_t)(found - header.data) + sizeof key - 1);
	skip_blanks(&cursor);
	if (cursor_u8(&cursor) != ':')
		return span_make(NULL, 0);
	skip_blanks(&cursor);
	if (cursor_u8(&cursor) != '"')
		return span_make(NULL, 0);
	while (size < cursor_left(&cursor) &&
		   (digit_of(header.data[cursor.at + size]) >= 0 || header.data[cursor.at + size] == '+'))
		size++;
	return span_part(header, cursor.at, size);
}

/* Counts the parts from the start on and adds up their bytes. */
static size_t count_parts(struct span bytes, size_t lengths[JWE_PARTS], size_t *extent)
{
	size_t parts = 0;

	for (*extent = 0; parts < JWE_PARTS;) {
		lengths[parts] = part_length(bytes, *extent);
		*extent += lengths[parts++];
		if (*extent >= bytes.size || bytes.data[*extent] != '.')
			break;
		*extent += parts < JWE_PARTS;
	}
	return parts;
}

/* The payload of a JWS that is a token is a JSON object and starts so; its signature may be empty
 * (RFC 7519 6.1). A JWE's parts are bytes; its key may be empty. */
static bool parts_are_sound(struct span bytes, size_t parts, const size_t *lengths)
{
	static const char object[] = "eyJ";
	struct span payload = span_part(bytes, lengths[0] + 1, sizeof object - 1);

	if (parts == JWS_PARTS)
		return lengths[1] > 4 && span_equal(payload, span_string(object));
	return parts == JWE_PARTS && lengths[2] && lengths[3] && lengths[4];
}

bool validate_jwt(struct span bytes, struct match *match)
{
	uint8_t header[HEADER_MAX];
	size_t lengths[JWE_PARTS] = { 0 }, extent, parts;
	struct span algorithm;

	bytes = span_part(bytes, 0, TOKEN_MAX);
	parts = count_parts(bytes, lengths, &extent);
	if (!parts_are_sound(bytes, parts, lengths) || lengths[0] > HEADER_MAX)
		return false;
	algorithm = find_algorithm(span_make(header, decode(span_part(bytes, 0, lengths[0]), header)));
	if (!algorithm.size || algorithm.size > sizeof match->built)
		return false;
	memcpy(match->built, algorithm.data, algorithm.size);
	match->built_size = algorithm.size;
	match_set(match, "alg", span_make(match->built, match->built_size));
	match_extend(match, extent);
	return true;
}
