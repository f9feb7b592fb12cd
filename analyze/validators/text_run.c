#include "analyze/validators/text_run.h"

#include <string.h>

enum { BLOCK = 8 };

/* Are the next eight bytes all from 20 to 7e? A byte's top bit is set by what takes it out of
 * range: itself, the borrow of less than 20, or the borrow of 7f made zero. */
static bool is_plain_block(const uint8_t *bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t word, deletes;

	memcpy(&word, bytes, sizeof word);
	deletes = word ^ ones * 0x7f;
	return !((word | (word - ones * 0x20) | (deletes - ones)) & tops);
}

/* Bytes of the character at the start, 0 where it is none of text. */
static size_t character_length(struct span bytes)
{
	uint8_t c = bytes.data[0];

	if (c >= 0x80)
		return text_utf8_length(span_part(bytes, 0, 4));
	return c != 0x7f && (c >= ' ' || c == '\t' || c == '\n' || c == '\r');
}

size_t text_run_length(struct span bytes)
{
	size_t at = 0, length;

	do {
		while (bytes.size - at >= BLOCK && is_plain_block(bytes.data + at))
			at += BLOCK;
		length = at < bytes.size ? character_length(span_part(bytes, at, bytes.size)) : 0;
		at += length;
	} while (length);
	return at;
}

bool text_run_line(struct cursor *cursor, struct span *line)
{
	if (!cursor_line(cursor, line) || cursor->span.data[cursor->at - 1] != '\n')
		return false;
	if (line->size && line->data[line->size - 1] == '\r')
		line->size--;
	return true;
}

bool text_take(struct cursor *cursor, const char *string)
{
	if (!text_starts_with(span_part(cursor->span, cursor->at, SIZE_MAX), string))
		return false;
	cursor_skip(cursor, strlen(string));
	return true;
}

bool text_take_number(struct cursor *cursor, size_t digits, uint64_t *number)
{
	size_t start = cursor->at;

	*number = 0;
	while (cursor_left(cursor) && text_is_digit(cursor->span.data[cursor->at]) &&
		   cursor->at - start < digits)
		*number = *number * 10 + (uint64_t)(cursor_u8(cursor) - '0');
	return cursor->at > start;
}

/* Is a control byte of ASCII among the eight? It borrows where 20 is taken from it, or 1 from 7f
 * made zero; a byte beyond ASCII has its top bit already and never counts. */
static bool has_control(const uint8_t *bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t word, deletes;

	memcpy(&word, bytes, sizeof word);
	deletes = word ^ ones * 0x7f;
	return (((word - ones * 0x20) & ~word) | ((deletes - ones) & ~deletes)) & tops;
}

size_t text_plain_length(struct span bytes)
{
	size_t at = 0;

	while (bytes.size - at >= BLOCK && !has_control(bytes.data + at))
		at += BLOCK;
	while (at < bytes.size && bytes.data[at] >= ' ' && bytes.data[at] != 0x7f)
		at++;
	return at;
}

bool text_is_base64(int c)
{
	return text_is_digit(c) || text_is_letter(c) || c == '+' || c == '/' || c == '=';
}

size_t text_find(struct span bytes, struct span wanted)
{
	const uint8_t *found =
		bytes.size ? memmem(bytes.data, bytes.size, wanted.data, wanted.size) : NULL;

	return found ? (size_t)(found - bytes.data) : bytes.size;
}

bool text_number(struct span digits, uint64_t *value)
{
	enum { DIGITS = 15 };

	*value = 0;
	for (size_t i = 0; i < digits.size; i++) {
		if (!text_is_digit(digits.data[i]))
			return false;
		*value = *value * 10 + digits.data[i] - '0';
		if (i == DIGITS)
			return false;
	}
	return digits.size > 0;
}

struct span text_word(struct span line, struct span *rest)
{
	const uint8_t *blank = line.size ? memchr(line.data, ' ', line.size) : NULL;
	size_t length = blank ? (size_t)(blank - line.data) : line.size;

	*rest = span_part(line, length + (blank != NULL), line.size);
	return span_part(line, 0, length);
}
