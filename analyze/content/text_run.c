#include "analyze/content/text_run.h"

#include "base/text.h"

#include <string.h>

size_t text_run_length(struct span bytes)
{
	size_t at = 0;

	while (at < bytes.size) {
		uint8_t c = bytes.data[at];
		size_t length = 1;

		if (c >= 0x80)
			length = text_utf8_length(span_part(bytes, at, 4));
		else if (c == 0x7f || (c < ' ' && c != '\t' && c != '\n' && c != '\r'))
			length = 0;
		if (!length)
			break;
		at += length;
	}
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

bool text_starts_with(struct span bytes, const char *start)
{
	struct span wanted = span_string(start);

	return span_equal(span_part(bytes, 0, wanted.size), wanted);
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
