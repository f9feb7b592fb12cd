/* Text at the start of an allocation that is not for people: base64 (RFC 4648) and hex, or UTF-16.
 */
#include "analyze/content/text_run.h"
#include "analyze/content/validators.h"

enum { MAX_BYTES = 64 << 20 };

/* How many bytes of the text are of each kind, to tell encodings from words. */
struct tally {
	size_t hex, base64, digits, upper, blanks;
};

static struct tally tally_of(struct span text)
{
	struct tally tally = { 0 };

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		bool letter = text_is_letter(c), digit = text_is_digit(c);

		tally.digits += digit;
		tally.upper += letter && !(c & 32);
		tally.hex += digit || (letter && (c | 32) <= 'f');
		tally.base64 += digit || letter || c == '+' || c == '/' || c == '=';
		tally.blanks += c == ' ' || c == '\t' || c == '\r' || c == '\n';
	}
	return tally;
}

/* NULL where it is neither: other text has names only its program knows. base64 of any data is a
 * sixth digits, two fifths upper case; its lines have 64 columns or more. The alphabet for
 * addresses, with - and
 * _, is left out: names of C++ functions are made of it. */
static const char *kind_of(struct span text)
{
	struct tally tally = tally_of(text);

	if (tally.hex == text.size)
		return "hex";
	if (tally.base64 + tally.blanks == text.size && tally.blanks * 60 < text.size &&
		tally.digits * 16 > text.size && tally.upper * 4 > text.size)
		return "base64";
	return NULL;
}

/* Where the text starts: at the capture `text`, or where the match does. */
static size_t text_start(struct span bytes, const struct match *match)
{
	const struct match_capture *capture = match_find(match, "text");

	return capture && capture->text.data ? (size_t)(capture->text.data - bytes.data) : 0;
}

/* At least 64 bytes. Provides `kind`, told by the first few of them: hex or base64. */
bool validate_encoded_text(struct span bytes, struct match *match)
{
	enum { LEAST = 64, LOOK = 256 };
	size_t start = text_start(bytes, match);
	size_t length = text_run_length(span_part(bytes, start, MAX_BYTES));
	const char *kind = kind_of(span_part(bytes, start, length < LOOK ? length : LOOK));

	if (length < LEAST || !kind)
		return false;
	match_extend(match, start + length);
	match_set(match, "kind", span_string(kind));
	return true;
}

/* A code unit of text: no control but tab, LF and CR, no half of a pair on its own, no noncharacter
 * (Unicode 15, 3.8 and 23.7). */
static bool is_unit(uint16_t unit)
{
	if (unit < ' ')
		return unit == '\t' || unit == '\n' || unit == '\r';
	return unit < 0xd800 && (unit < 0x7f || unit > 0x9f);
}

/* Words and numbers that repeat their letters: a table of small numbers, in order or shuffled, has
 * each once, and lines of one letter are none. */
static bool reads_like_words(struct cursor cursor, size_t units)
{
	enum { LOOK = 32 };
	size_t words = 0, breaks = 0, distinct = 0;
	bool seen[0x80] = { false };

	units = units < LOOK ? units : LOOK;
	for (size_t i = 0; i < units; i++) {
		uint16_t unit = cursor_u16(&cursor);

		words += unit >= 0x80 || unit == ' ' || text_is_letter(unit) || text_is_digit(unit);
		breaks += unit < ' ';
		if (unit < 0x80 && !seen[unit])
			distinct += seen[unit] = true;
	}
	return words * 4 >= units * 3 && breaks * 8 <= units && distinct * 4 <= units * 3;
}

/* At least 24 code units, half of them of ASCII or more, that read like words. */
bool validate_utf16_text(struct span bytes, struct match *match)
{
	enum { LEAST = 24 };
	size_t start = text_start(bytes, match), units = 0, ascii = 0;
	struct cursor cursor = cursor_make(span_part(bytes, start, MAX_BYTES), false), first = cursor;

	for (; cursor_left(&cursor) >= 2; units++) {
		uint16_t unit = cursor_u16(&cursor);

		if (!is_unit(unit) || (ascii + (unit < 0x80)) * 2 < units)
			break;
		ascii += unit < 0x80;
	}
	match_extend(match, start + 2 * units);
	return units >= LEAST && ascii * 2 >= units && reads_like_words(first, units);
}
