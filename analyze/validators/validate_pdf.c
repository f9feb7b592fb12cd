/* PDF files (ISO 32000-1:2008, 7.5.2 header, 7.5.4 cross-reference table, 7.5.5 trailer, 7.5.8
 * cross-reference streams). */
#include "analyze/validators/validators.h"

#include <string.h>

enum {
	HEAD_BYTES = 1024,     /* in which the first object must start */
	MOST_BYTES = 64 << 20, /* looked at for one document */
	MOST_UPDATES = 64,     /* each update appends a trailer of its own */
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\r' || c == '\n' || c == '\t';
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor_left(cursor) && is_blank(cursor->span.data[cursor->at]))
		cursor->at++;
}

static bool read_number(struct cursor *cursor, size_t *number)
{
	size_t start = cursor->at;

	*number = 0;
	while (cursor_left(cursor) && is_digit(cursor->span.data[cursor->at]) &&
		   cursor->at - start < 10)
		*number = *number * 10 + (size_t)(cursor_u8(cursor) - '0');
	return cursor->at > start;
}

static bool take(struct cursor *cursor, const char *word)
{
	struct span wanted = span_string(word);

	if (!span_equal(span_part(cursor->span, cursor->at, wanted.size), wanted))
		return false;
	cursor->at += wanted.size;
	return true;
}

/* "12 0 obj" */
static bool is_object(struct cursor cursor)
{
	size_t number;

	if (!read_number(&cursor, &number) || !take(&cursor, " ") || !read_number(&cursor, &number))
		return false;
	skip_blanks(&cursor);
	return take(&cursor, "obj");
}

/* An object starts a line within the first bytes; comments stand before it. */
static bool has_object(struct span bytes)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, HEAD_BYTES), false);

	while (cursor_left(&cursor)) {
		uint8_t byte = cursor_u8(&cursor);

		if ((byte == '\n' || byte == '\r') && is_object(cursor))
			return true;
	}
	return false;
}

/* "startxref", the offset of a cross-reference table or stream that is there, "%%EOF". */
static bool read_trailer(struct cursor *cursor)
{
	struct cursor table = *cursor;
	size_t offset;

	skip_blanks(cursor);
	if (!read_number(cursor, &offset))
		return false;
	skip_blanks(cursor);
	if (!take(cursor, "%%EOF") || offset >= cursor->at)
		return false;
	table.at = offset;
	return offset == 0 || take(&table, "xref") || is_object(table); /* 0: linearized, annex F */
}

/* Proven is what a trailer ends whose offset leads to where it says; else the header alone. */
bool validate_pdf(struct span bytes, struct match *match)
{
	static const char word[] = "startxref";
	struct cursor cursor = cursor_make(span_part(bytes, 0, MOST_BYTES), false);

	if (!has_object(bytes))
		return false;
	match_extend(match, match->bytes);
	for (unsigned i = 0; i < MOST_UPDATES; i++) {
		const uint8_t *found =
			memmem(bytes.data + cursor.at, cursor_left(&cursor), word, sizeof word - 1);

		if (!found)
			break;
		cursor.at = (size_t)(found - bytes.data) + sizeof word - 1;
		if (read_trailer(&cursor))
			match_extend(match, cursor.at);
	}
	return true;
}
