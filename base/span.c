#include "base/span.h"

#include <string.h>

/* The address `offset` bytes on. An empty span may have no bytes at all, and adding even nothing to
 * a null pointer is undefined (C11 6.5.6). */
static const uint8_t *move(const uint8_t *data, size_t offset)
{
	return offset ? data + offset : data;
}

struct span cursor_bytes(struct cursor *cursor, size_t size)
{
	struct span bytes;

	if (cursor->failed || size > cursor->span.size - cursor->at) {
		cursor->failed = true;
		return span_make(NULL, 0);
	}
	bytes = span_make(move(cursor->span.data, cursor->at), size);
	cursor->at += size;
	return bytes;
}

static uint64_t cursor_integer(struct cursor *cursor, size_t size)
{
	struct span bytes = cursor_bytes(cursor, size);
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.size; i++) {
		size_t from = cursor->big_endian ? i : bytes.size - 1 - i;

		value = value << 8 | bytes.data[from];
	}
	return value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
	return (uint8_t)cursor_integer(cursor, 1);
}

uint16_t cursor_u16(struct cursor *cursor)
{
	return (uint16_t)cursor_integer(cursor, 2);
}

uint32_t cursor_u32(struct cursor *cursor)
{
	return (uint32_t)cursor_integer(cursor, 4);
}

uint64_t cursor_u64(struct cursor *cursor)
{
	return cursor_integer(cursor, 8);
}

uint64_t cursor_word(struct cursor *cursor, unsigned word)
{
	return cursor_integer(cursor, word);
}

struct span cursor_cstring(struct cursor *cursor)
{
	const uint8_t *start = move(cursor->span.data, cursor->at);
	const uint8_t *nul = cursor_left(cursor) ? memchr(start, '\0', cursor_left(cursor)) : NULL;
	struct span text;

	if (!nul) {
		cursor->failed = true;
		return span_make(NULL, 0);
	}
	text = cursor_bytes(cursor, (size_t)(nul - start));
	cursor_skip(cursor, 1);
	return text;
}

bool cursor_line(struct cursor *cursor, struct span *line)
{
	const uint8_t *start = move(cursor->span.data, cursor->at);
	size_t left = cursor_left(cursor);
	const uint8_t *newline;

	if (!left)
		return false;
	newline = memchr(start, '\n', left);
	*line = cursor_bytes(cursor, newline ? (size_t)(newline - start) : left);
	if (newline)
		cursor_skip(cursor, 1);
	return true;
}

void cursor_skip(struct cursor *cursor, size_t size)
{
	cursor_bytes(cursor, size);
}

void cursor_align(struct cursor *cursor, size_t alignment)
{
	size_t over = cursor->at & (alignment - 1);

	if (over)
		cursor_skip(cursor, alignment - over);
}
