#include "base/text.h"

#include <string.h>

static uint32_t decode(struct span bytes, size_t length)
{
	static const uint8_t lead_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t point = bytes.data[0] & lead_mask[length];

	for (size_t i = 1; i < length; i++)
		point = point << 6 | (bytes.data[i] & 0x3f);
	return point;
}

size_t text_utf8_length(struct span bytes)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length;
	uint32_t point;

	if (!bytes.size)
		return 0;
	if (bytes.data[0] < 0x80)
		return 1;
	length = bytes.data[0] >= 0xf0 ? 4 : bytes.data[0] >= 0xe0 ? 3 : 2;
	if (bytes.data[0] < 0xc2 || bytes.data[0] > 0xf4 || length > bytes.size)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((bytes.data[i] & 0xc0) != 0x80)
			return 0;
	point = decode(bytes, length);
	if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	return length;
}

/* Printable ASCII in units of so many bits, and then only zeros. */
static bool has_characters(uint64_t value, unsigned bits, unsigned least)
{
	uint64_t mask = (UINT64_C(1) << bits) - 1;
	unsigned count = 0;

	for (; value; value >>= bits, count++)
		if ((value & mask) < 0x20 || (value & mask) > 0x7e)
			return false;
	return count >= least;
}

bool text_is_word(uint64_t value)
{
	return has_characters(value, 8, 3) || has_characters(value, 16, 2) ||
		   has_characters(value, 32, 2);
}

/* C0, DEL, C1, and the controls that reorder or hide text (Unicode 15, Bidi_Control and U+FEFF). */
static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c ||
		   (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
		   (point >= 0x2060 && point <= 0x2069) || point == 0xfeff;
}

static void escape_byte(uint8_t byte, struct strbuf *out)
{
	static const char named[] = "\nn\tt\rr\\\\";
	const char *found = byte ? strchr(named, byte) : NULL;

	if (found && (found - named) % 2 == 0)
		strbuf_printf(out, "\\%c", found[1]);
	else
		strbuf_printf(out, "\\x%02x", byte);
}

/* Bytes at the start that are ASCII and need no escape. */
static size_t plain_length(struct span bytes)
{
	size_t length = 0;

	while (length < bytes.size && bytes.data[length] >= ' ' && bytes.data[length] < 0x7f &&
		   bytes.data[length] != '\\')
		length++;
	return length;
}

void text_escape(struct span bytes, struct strbuf *out)
{
	while (bytes.size) {
		size_t length = plain_length(bytes);

		if (length) {
			strbuf_add(out, bytes.data, length);
			bytes = span_part(bytes, length, bytes.size);
			continue;
		}
		length = text_utf8_length(bytes);
		if (length && bytes.data[0] != '\\' && !is_control(decode(bytes, length))) {
			strbuf_add(out, bytes.data, length);
		} else {
			length = length ? length : 1;
			for (size_t i = 0; i < length; i++)
				escape_byte(bytes.data[i], out);
		}
		bytes = span_part(bytes, length, bytes.size);
	}
}

size_t text_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

/* Levenshtein distance, cut off for words too long to be a slip of the finger. */
static size_t edit_distance(const char *a, const char *b)
{
	enum { LONGEST = 63 };
	size_t row[LONGEST + 1];
	size_t length_a = strlen(a), length_b = strlen(b);

	if (length_a > LONGEST || length_b > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= length_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	return row[length_b];
}

const char *text_nearest(const char *word, const char *const *names)
{
	const char *nearest = NULL;
	size_t length = strlen(word);
	size_t best = (length < 6 ? length / 2 : length / 3 + 1) + 1;

	for (; *names; names++) {
		size_t distance = edit_distance(word, *names);

		if (distance < best) {
			best = distance;
			nearest = *names;
		}
	}
	return nearest;
}
