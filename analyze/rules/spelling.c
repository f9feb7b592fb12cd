#include "analyze/rules/spelling.h"

#include "analyze/validators/text_run.h"
#include "base/text.h"

#include <stdlib.h>

/* A character by its number. */
static const struct numbered {
	const char *start, *end;
	unsigned least, most; /* digits */
	int base;
} numbered[] = {
	{ "%u", "", 4, 4, 16 },    { "%", "", 2, 2, 16 },   { "\\u", "", 4, 4, 16 },
	{ "\\u{", "}", 1, 6, 16 }, { "\\U", "", 8, 8, 16 }, { "\\x", "", 2, 2, 16 },
	{ "\\x{", "}", 1, 6, 16 }, { "\\", "", 3, 3, 8 },   { "&#x", ";", 1, 8, 16 },
	{ "&#X", ";", 1, 8, 16 },  { "&#", ";", 1, 8, 10 },
};

/* … and by a name. */
static const struct named {
	const char *text;
	char character;
} named[] = {
	{ "&quot;", '"' },  { "&apos;", '\'' },  { "&amp;", '&' },    { "&lt;", '<' },
	{ "&gt;", '>' },    { "&nbsp;", ' ' },   { "&commat;", '@' }, { "&equals;", '=' },
	{ "&colon;", ':' }, { "&sol;", '/' },    { "\\/", '/' },      { "\\t", ' ' },
	{ "\\n", ' ' },     { "\xc2\xa0", ' ' }, /* no-break space */
};

/* What all of these, and characters of full width, start with. */
static const uint8_t signs[] = { '%', '\\', '&', 0xc2, 0xef };

static size_t take_numbered(struct span text, const struct numbered *spelling, char *character)
{
	size_t start = strlen(spelling->start), end = strlen(spelling->end), digits = 0;
	char number[12] = "", *stop;
	unsigned long value;

	if (!text_starts_with(text, spelling->start))
		return 0;
	while (digits < spelling->most && start + digits < text.size &&
		   text_is_hex(text.data[start + digits])) {
		number[digits] = (char)text.data[start + digits];
		digits++;
	}
	value = strtoul(number, &stop, spelling->base);
	if (digits < spelling->least || *stop || value < ' ' || value > '~' ||
		!span_equal(span_part(text, start + digits, end), span_string(spelling->end)))
		return 0;
	*character = (char)value;
	return start + digits + end;
}

/* U+FF01 to U+FF5E are "!" to "~" in the width of a Chinese character (Unicode, Halfwidth and
 * Fullwidth Forms). */
static size_t take_wide(struct span text, char *character)
{
	enum { BYTES = 3, FIRST = 0xff01, LAST = 0xff5e };
	unsigned code;

	if (text.size < BYTES || text.data[0] != 0xef)
		return 0;
	code = 0xf000U | (text.data[1] & 0x3fU) << 6 | (text.data[2] & 0x3fU);
	if (code < FIRST || code > LAST)
		return 0;
	*character = (char)('!' + (code - FIRST));
	return BYTES;
}

/* The ASCII character that is spelled out at the start of the text; gives its length, or 0. */
static size_t spelled(struct span text, char *character)
{
	size_t length = take_wide(text, character);

	for (size_t i = 0; !length && i < sizeof numbered / sizeof *numbered; i++)
		length = take_numbered(text, &numbered[i], character);
	for (size_t i = 0; !length && i < sizeof named / sizeof *named; i++)
		if (text_starts_with(text, named[i].text)) {
			*character = named[i].character;
			length = strlen(named[i].text);
		}
	return length;
}

bool spelling_has_sign(struct span text)
{
	for (size_t i = 0; i < sizeof signs && text.size; i++)
		if (memchr(text.data, signs[i], text.size))
			return true;
	return false;
}

/* Bytes in front of the first sign. */
static size_t plain_length(struct span text)
{
	size_t length = 0;

	while (length < text.size && !memchr(signs, text.data[length], sizeof signs))
		length++;
	return length;
}

/* Takes the sign at the start of the text, and what it spells; gives its length, or 0 where it
 * stands for itself. */
static size_t take_sign(struct span text, struct strbuf *out)
{
	char character = (char)text.data[0];
	size_t length = spelled(text, &character);

	strbuf_putc(out, character);
	return length;
}

/* Most values have no sign, and are not copied. */
bool spelling_undo(struct span text, struct strbuf *out)
{
	bool changed = false;

	if (!spelling_has_sign(text))
		return false;
	strbuf_clear(out);
	while (text.size) {
		size_t length = plain_length(text);

		strbuf_add(out, text.data, length);
		text = span_part(text, length, text.size);
		length = text.size ? take_sign(text, out) : 0;
		changed |= length > 0;
		text = span_part(text, length ? length : 1, text.size);
	}
	return changed;
}
