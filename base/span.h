/* span: bytes somebody else owns. cursor: the only way untrusted bytes are read.
 *
 * A cursor never reads outside its span. The first read that would makes it fail, and it stays
 * failed: every later read gives zeros, so a parser reads a whole record in straight lines and asks
 * cursor_ok() once. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *data;
	size_t size;
};

struct cursor {
	struct span span;
	size_t at;       /* offset of the next byte; at <= span.size always */
	bool big_endian; /* byte order of the multi-byte getters */
	bool failed;
};

static inline struct span span_make(const void *data, size_t size)
{
	return (struct span){ data, size };
}

/* The span of a C string, without its terminator. */
static inline struct span span_string(const char *text)
{
	return span_make(text, strlen(text));
}

/* The part [offset, offset + size) of the span, cut to what is there. */
static inline struct span span_part(struct span span, size_t offset, size_t size)
{
	if (offset > span.size)
		offset = span.size;
	if (size > span.size - offset)
		size = span.size - offset;
	/* adding even nothing to a null pointer is undefined (C11 6.5.6) */
	return span_make(offset ? span.data + offset : span.data, size);
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline struct cursor cursor_make(struct span span, bool big_endian)
{
	return (struct cursor){ .span = span, .big_endian = big_endian };
}

static inline bool cursor_ok(const struct cursor *cursor)
{
	return !cursor->failed;
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return cursor->failed ? 0 : cursor->span.size - cursor->at;
}

uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);

/* A word of the target: `word` is 4 or 8 bytes. */
uint64_t cursor_word(struct cursor *cursor, unsigned word);

/* The next `size` bytes; an empty span (data NULL) and a failed cursor where there are fewer. */
struct span cursor_bytes(struct cursor *cursor, size_t size);

/* Bytes up to a NUL, which is consumed and not part of the span; fails where there is none. */
struct span cursor_cstring(struct cursor *cursor);

/* Bytes up to a newline (consumed, not part of the span) or the end. Gives false at the end. */
bool cursor_line(struct cursor *cursor, struct span *line);

void cursor_skip(struct cursor *cursor, size_t size);

/* Moves to the next multiple of `alignment` (a power of two), counted from the span's start. */
void cursor_align(struct cursor *cursor, size_t alignment);

#endif
