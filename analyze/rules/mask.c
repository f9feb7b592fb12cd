#include "analyze/rules/mask.h"

#include "base/text.h"

#include <string.h>

/* RFC 4122: 8-4-4-4-12 hex digits. */
static bool starts_with_uuid(struct span text)
{
	static const size_t dashes[] = { 8, 13, 18, 23 };

	if (text.size < 36)
		return false;
	for (size_t i = 0, dash = 0; i < 36; i++) {
		bool wants_dash = dash < 4 && i == dashes[dash];

		dash += wants_dash;
		if (wants_dash ? text.data[i] != '-' : !text_is_hex(text.data[i]))
			return false;
	}
	return true;
}

static bool has_digit(struct span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text_is_digit(text.data[i]))
			return true;
	return false;
}

/* Four numbers with dots: an address of IPv4, which is a name of a machine. */
static bool is_ipv4(struct span run)
{
	size_t dots = 0, digits = 0, longest = 0;

	for (size_t i = 0; i < run.size; i++) {
		bool digit = text_is_digit(run.data[i]);

		digits = digit ? digits + 1 : 0;
		longest = digits > longest ? digits : longest;
		dots += run.data[i] == '.';
		if (!digit && run.data[i] != '.')
			return false;
	}
	return dots == 3 && longest <= 3;
}

/* Numbers in groups, with a blank, hyphen or dot between two: telephone, card and account numbers,
 * dates. Gives the length of the run, 0 where it has fewer digits than those have. Behind a dot it
 * is a rest of what was looked at, and dots do not count. */
static size_t grouped_length(struct span text, uint8_t before)
{
	enum { LEAST = 7 };
	const char *between = before == '.' ? " -" : " -.";
	size_t at = 0, digits = 0;

	if (!text.size || !text_is_digit(text.data[0]))
		return 0;
	for (;;) {
		size_t length = text_span_of(span_part(text, at, text.size), text_is_digit);

		at += length;
		digits += length;
		if (at + 1 >= text.size || !memchr(between, text.data[at], strlen(between)) ||
			!text_is_digit(text.data[at + 1]))
			return digits < LEAST || is_ipv4(span_part(text, 0, at)) ? 0 : at;
		at++;
	}
}

/* A UUID starts with as many digits as a hex run has at least. */
enum { LEAST_HEX = 8, LEAST_DIGITS = 4 };

/* Bytes of the run at the start of the text, and what it is replaced by; 0: none. */
static size_t run_length(struct span text, uint8_t before, const char **by)
{
	size_t length = text_is_hex(before) ? 0 : text_span_of(text, text_is_hex);

	*by = "<uuid>";
	if (length && starts_with_uuid(text))
		return 36;
	*by = "<hex>";
	if (length >= LEAST_HEX && has_digit(span_part(text, 0, length)) &&
		text_span_of(text, text_is_digit) < length)
		return length;
	*by = "#";
	if (text_is_digit(before))
		return 0;
	length = grouped_length(text, before);
	if (!length)
		length = text_span_of(text, text_is_digit);
	return length >= LEAST_DIGITS ? length : 0;
}

enum { NO_DIGIT, HEX_LETTER, DECIMAL };

static const uint8_t digits[256] = {
	['0' ... '9'] = DECIMAL,
	['A' ... 'F'] = HEX_LETTER,
	['a' ... 'f'] = HEX_LETTER,
};

/* Bytes at the start that are no decimal digit, and at none of which a run begins. */
static size_t plain_length(struct span text, uint8_t before)
{
	uint8_t last = digits[before], digit;
	size_t at = 0;

	for (; at < text.size && (digit = digits[text.data[at]]) != DECIMAL; at++, last = digit)
		if (digit && !last &&
			text_span_of(span_part(text, at, LEAST_HEX), text_is_hex) == LEAST_HEX)
			break;
	return at;
}

size_t mask_next(struct span text, uint8_t before, const char **by)
{
	size_t length = plain_length(text, before);

	*by = NULL;
	if (length)
		return length;
	length = run_length(text, before, by);
	if (length)
		return length;
	*by = NULL;
	return 1;
}

size_t mask_count(struct span text)
{
	size_t masked = 0;

	for (uint8_t before = 0; text.size;) {
		const char *by;
		size_t length = mask_next(text, before, &by);

		masked += by ? length : 0;
		before = text.data[length - 1];
		text = span_part(text, length, text.size);
	}
	return masked;
}
