/* PDF files (ISO 32000-1:2008, 7.5.2 header, 7.5.4 cross-reference table, 7.5.5 trailer, 7.5.8
 * cross-reference streams). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

enum {
	NUMBER_DIGITS = 10,
	HEAD_BYTES = 1024,     /* in which the first object must start */
	MOST_BYTES = 64 << 20, /* looked at for one document */
	MOST_UPDATES = 64,     /* each update appends a trailer of its own */
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\r' || c == '\n' || c == '\t';
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor_left(cursor) && is_blank(cursor->span.data[cursor->at]))
		cursor->at++;
}

/* "12 0 obj" */
static bool is_object(struct cursor cursor)
{
	size_t number;

	if (!text_take_number(&cursor, NUMBER_DIGITS, &number) || !text_take(&cursor, " ") ||
		!text_take_number(&cursor, NUMBER_DIGITS, &number))
		return false;
	skip_blanks(&cursor);
	return text_take(&cursor, "obj");
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
	if (!text_take_number(cursor, NUMBER_DIGITS, &offset))
		return false;
	skip_blanks(cursor);
	if (!text_take(cursor, "%%EOF") || offset >= cursor->at)
		return false;
	table.at = offset;
	return offset == 0 || text_take(&table, "xref") ||
		   is_object(table); /* 0: linearized, annex F */
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

		match_worked(match,
					 found ? (size_t)(found - bytes.data) - cursor.at : cursor_left(&cursor));
		if (!found)
			break;
		cursor.at = (size_t)(found - bytes.data) + sizeof word - 1;
		if (read_trailer(&cursor))
			match_extend(match, cursor.at);
	}
	return true;
}
