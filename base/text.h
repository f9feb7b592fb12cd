/* text: bytes from a process or a file made safe for a terminal, a ticket or JSON; and what single
 * bytes of a text are. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/span.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the bytes as printable UTF-8: control bytes, backslash and every byte that is not part of
 * a valid UTF-8 sequence (RFC 3629: no overlong forms, no surrogates) become \n, \t, \\ or \xNN.
 * Bidirectional controls are escaped as well, so text cannot reorder what stands around it. */
void text_escape(struct span bytes, struct strbuf *out);

/* Length of the valid UTF-8 sequence at the start of the bytes, 0 where there is none. */
size_t text_utf8_length(struct span bytes);

/* Is a word of memory text: three printable bytes and more, up to a NUL or its end, or two and more
 * such characters of UTF-16 or UTF-32? */
bool text_is_word(uint64_t value);

/* Letters a to z of both cases, digits, and hex digits: of ASCII, whatever the locale. */
static inline bool text_is_letter(int c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static inline bool text_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool text_is_hex(int c)
{
	return text_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* How many bytes at the start of the text are members. */
static inline size_t text_span_of(struct span text, bool (*is_member)(int))
{
	size_t length = 0;

	while (length < text.size && is_member(text.data[length]))
		length++;
	return length;
}

/* The value of a hex digit, -1 for what is none. */
static inline int text_hex_value(int c)
{
	return !text_is_hex(c) ? -1 : text_is_digit(c) ? c - '0' : (c | 32) - 'a' + 10;
}

/* Columns of an escaped text on a terminal, one for each code point. */
size_t text_columns(const char *text);

/* The name nearest to `word` in `names` (NULL-ended) by edit distance, or NULL where none is near
 * enough to be worth suggesting. */
const char *text_nearest(const char *word, const char *const *names);

#endif
