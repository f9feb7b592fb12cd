#include "analyze/rules/spelling.h"

#include "base/text.h"

#include <stdlib.h>

static const struct spelling {
	const char *start, *end;
	unsigned least, most; /* digits */
	int base;
} spellings[] = {
	{ "%", "", 2, 2, 16 },    { "\\u", "", 4, 4, 16 }, { "\\x", "", 2, 2, 16 },
	{ "&#x", ";", 1, 4, 16 }, { "&#", ";", 1, 5, 10 },
};

/* What they start with. */
static const uint8_t signs[] = { '%', '\\', '&' };

/* The ASCII character that is spelled out at the start of the text; gives its length, or 0. */
static size_t spelled(struct span text, const struct spelling *spelling, char *character)
{
	size_t start = strlen(spelling->start), end = strlen(spelling->end), digits = 0;
	char number[8] = "";
	unsigned long value;

	if (text.size < start || memcmp(text.data, spelling->start, start) != 0)
		return 0;
	while (digits < spelling->most && start + digits < text.size &&
		   text_is_hex(text.data[start + digits])) {
		number[digits] = (char)text.data[start + digits];
		digits++;
	}
	value = strtoul(number, NULL, spelling->base);
	if (digits < spelling->least || value < ' ' || value > '~' ||
		!span_equal(span_part(text, start + digits, end), span_string(spelling->end)))
		return 0;
	*character = (char)value;
	return start + digits + end;
}

static bool has_sign(struct span text)
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
	size_t length = 0;

	for (size_t i = 0; !length && i < sizeof spellings / sizeof *spellings; i++)
		length = spelled(text, &spellings[i], &character);
	strbuf_putc(out, character);
	return length;
}

/* Most values have no sign, and are not copied. */
bool spelling_undo(struct span text, struct strbuf *out)
{
	bool changed = false;

	if (!has_sign(text))
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
