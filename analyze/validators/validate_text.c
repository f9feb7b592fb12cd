/* Text at the start of an allocation that is not for people: base64 (RFC 4648) and hex, or UTF-16.
 */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

enum { MAX_BYTES = 64 << 20 };

/* CR, LF or both. */
static size_t break_length(struct span bytes)
{
	if (!bytes.size || (bytes.data[0] != '\r' && bytes.data[0] != '\n'))
		return 0;
	return bytes.data[0] == '\r' && bytes.size > 1 && bytes.data[1] == '\n' ? 2 : 1;
}

/* Bytes at the start that are of the kind: lines of one length, and a shorter last one, in which
 * nothing else stands. */
static size_t run_length(struct span bytes, bool (*is_kind)(int))
{
	size_t first = text_span_of(bytes, is_kind), end = first, length = first;

	while (length == first) {
		size_t start = end + break_length(span_part(bytes, end, 2));
		struct span rest = span_part(bytes, start, bytes.size);

		length = text_span_of(span_part(rest, 0, first), is_kind);
		if (start == end || !length)
			break;
		if (length < rest.size && rest.data[length] >= ' ' && rest.data[length] <= '~')
			break;
		end = start + length;
	}
	return end;
}

/* Not words: base64 of any data is a sixth digits, two fifths upper case; its lines have 64 columns
 * or more. */
static bool is_like_base64(struct span text)
{
	size_t digits = 0, upper = 0, breaks = 0;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		digits += text_is_digit(c);
		upper += text_is_letter(c) && !(c & 32);
		breaks += c == '\r' || c == '\n';
	}
	return breaks * 60 < text.size && digits * 16 > text.size && upper * 4 > text.size;
}

/* Where the text starts: at the capture `text`, or where the match does. */
static size_t text_start(struct span bytes, const struct match *match)
{
	const struct match_capture *capture = match_find(match, "text");

	return capture && capture->text.data ? (size_t)(capture->text.data - bytes.data) : 0;
}

/* At least 64 bytes. Provides `kind`: hex, or base64 as its first few bytes tell. What other text
 * stands behind it does not count. */
bool validate_encoded_text(struct span bytes, struct match *match)
{
	enum { LEAST = 64, LOOK = 256 };
	size_t start = text_start(bytes, match), length;
	struct span text = span_part(bytes, start, MAX_BYTES);
	const char *kind = "hex";

	length = run_length(text, text_is_hex);
	if (length < LEAST) {
		kind = "base64";
		length = run_length(text, text_is_base64);
	}
	if (length < LEAST ||
		(*kind == 'b' && !is_like_base64(span_part(text, 0, length < LOOK ? length : LOOK))))
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
