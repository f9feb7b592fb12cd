#include "analyze/report/paragraph.h"

#include "analyze/report/clean.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

/* Bytes of the longest start of `word` that has at most so many columns. */
static size_t fit(const char *word, size_t length, size_t columns)
{
	size_t at = 0;

	while (at < length && columns) {
		at++;
		while (at < length && ((unsigned char)word[at] & 0xc0) == 0x80)
			at++;
		columns--;
	}
	return at;
}

static size_t columns_of(const char *word, size_t length)
{
	size_t columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)word[i] & 0xc0) != 0x80;
	return columns;
}

/* Bytes of the word that begins here; a number and its unit are one word. */
static size_t word_length(const char *word)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "ms", "%" };
	const char *digits = word + (*word == '(');
	const char *unit = digits + strspn(digits, "0123456789.,");

	if (unit == digits || *unit++ != ' ')
		return strcspn(word, " ");
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t length = strlen(units[i]);

		if (strncmp(unit, units[i], length) == 0 && !isalnum((unsigned char)unit[length]))
			return (size_t)(unit - word) + strcspn(unit, " ");
	}
	return strcspn(word, " ");
}

void paragraph_add(const char *first, const char *text, size_t most, struct strbuf *out)
{
	size_t indent = text_columns(first), column = indent;
	struct strbuf clean = { 0 };
	const char *word;

	clean_add(text, &clean);
	word = strbuf_text(&clean);
	strbuf_puts(out, first);
	for (word += strspn(word, " "); *word; word += strspn(word, " ")) {
		size_t length = word_length(word);
		size_t columns = columns_of(word, length);

		if (column > indent && column + 1 + columns > most) {
			strbuf_putc(out, '\n');
			strbuf_pad(out, ' ', indent);
			column = indent;
		} else if (column > indent) {
			strbuf_putc(out, ' ');
			column++;
		}
		length = fit(word, length, most - column);
		strbuf_add(out, word, length);
		column += columns_of(word, length);
		word += length;
	}
	strbuf_putc(out, '\n');
	strbuf_deinit(&clean);
}
