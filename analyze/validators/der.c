#include "analyze/validators/der.h"

enum { LONG_FORM = 0x80, LENGTH_BYTES_MAX = 3 };

uint8_t der_peek(const struct cursor *cursor)
{
	return cursor_left(cursor) ? cursor->span.data[cursor->at] : 0;
}

/* UINT32_MAX where the length is not in the shortest form, or longer than what is read here. */
static uint32_t read_length(struct cursor *cursor)
{
	uint32_t first = cursor_u8(cursor), length = 0, bytes = first & 0x7f;

	if (first < LONG_FORM)
		return first;
	if (!bytes || bytes > LENGTH_BYTES_MAX)
		return UINT32_MAX;
	for (uint32_t i = 0; i < bytes; i++)
		length = length << 8 | cursor_u8(cursor);
	return length < LONG_FORM || length >> (8 * (bytes - 1)) == 0 ? UINT32_MAX : length;
}

bool der_read(struct cursor *cursor, enum der_tag tag, struct span *content)
{
	uint8_t found = cursor_u8(cursor);
	uint32_t length = read_length(cursor);

	*content = cursor_bytes(cursor, length);
	if (found != tag)
		cursor->failed = true;
	return cursor_ok(cursor);
}
