/* text_run: text at the start of bytes: how far it goes, its lines, words and numbers. */
#ifndef ANALYZE_VALIDATORS_TEXT_RUN_H
#define ANALYZE_VALIDATORS_TEXT_RUN_H

#include "base/span.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Bytes of valid UTF-8 (RFC 3629) at the start without control bytes other than tab, LF and CR. */
size_t text_run_length(struct span bytes);

/* Are all of them such text? */
static inline bool text_run_is_all(struct span bytes)
{
	return text_run_length(bytes) == bytes.size;
}

/* Takes a line off the cursor that ends with LF; a CR before it is not part of it. False where no
 * line end is there. */
bool text_run_line(struct cursor *cursor, struct span *line);

/* Does the span start with the string? */
static inline bool text_starts_with(struct span bytes, const char *start)
{
	struct span wanted = span_string(start);

	return bytes.size >= wanted.size && memcmp(bytes.data, start, wanted.size) == 0;
}

/* Steps over the string where the cursor is at it; false, and no step, where it is not. */
bool text_take(struct cursor *cursor, const char *string);

/* Reads a decimal number of at most `digits` digits, 19 or fewer; false where there is none. */
bool text_take_number(struct cursor *cursor, size_t digits, uint64_t *number);

/* Bytes at the start that are no control bytes of ASCII. */
size_t text_plain_length(struct span bytes);

/* Are no control bytes of ASCII among them? */
static inline bool text_is_plain(struct span bytes)
{
	return text_plain_length(bytes) == bytes.size;
}

/* A digit of base64 (RFC 4648 4), or its padding. The alphabet for URLs, with - and _, is left out:
 * names of C++ functions are made of it. */
bool text_is_base64(int c);

/* Offset of the first place of `wanted` in the bytes; bytes.size where it is nowhere. */
size_t text_find(struct span bytes, struct span wanted);

/* The decimal number the whole span is, at most 15 digits; false where it is none. */
bool text_number(struct span digits, uint64_t *value);

/* The part of the line up to the first blank; `rest` is what follows the blank, empty at the end.
 */
struct span text_word(struct span line, struct span *rest);

#endif
