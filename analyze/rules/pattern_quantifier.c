#include "analyze/rules/pattern_quantifier.h"

enum { MAX_REPEAT = 65535 };

/* Blanks and # comments of (?x). */
static void skip_extended(struct pattern_reader *reader)
{
	for (;; reader->at++) {
		int c = pattern_peek(reader, 0);

		if (c == '#')
			while (pattern_peek(reader, 0) >= 0 && pattern_peek(reader, 0) != '\n')
				reader->at++;
		else if (c != ' ' && (c < '\t' || c > '\r'))
			return;
	}
}

void pattern_skip_nothings(struct pattern_reader *reader, struct pattern_options options)
{
	size_t start;

	do {
		start = reader->at;
		if (options.extended)
			skip_extended(reader);
		pattern_take(reader, "\\E");
		if (pattern_take(reader, "(?#"))
			while (pattern_peek(reader, 0) >= 0 && !pattern_take(reader, ")"))
				reader->at++;
	} while (reader->at > start);
}

static bool read_number(struct pattern_reader *reader, uint32_t *number)
{
	size_t start = reader->at;

	for (*number = 0; pattern_peek(reader, 0) >= '0' && pattern_peek(reader, 0) <= '9';
		 reader->at++)
		if ((*number = *number * 10 + (uint32_t)(pattern_peek(reader, 0) - '0')) > MAX_REPEAT)
			return false;
	return reader->at > start;
}

/* "{2}", "{2,}", "{2,3}". Anything else in braces is plain text in PCRE2 10.42, and "{,3}" a
 * quantifier since 10.43: then the reader gives up. */
static bool read_braces(struct pattern_reader *reader, uint32_t *min, uint32_t *max)
{
	size_t start = reader->at++;

	if (read_number(reader, min)) {
		*max = *min;
		if (pattern_take(reader, "}"))
			return true;
		if (pattern_take(reader, ",") &&
			(pattern_take(reader, "}") ? (*max = PATTERN_ENDLESS)
									   : read_number(reader, max) && pattern_take(reader, "}")))
			return true;
	}
	if (pattern_peek(reader, 0) == ',' || pattern_peek(reader, 0) == ' ')
		reader->unknown = true;
	reader->at = start;
	return false;
}

bool pattern_read_quantifier(struct pattern_reader *reader, uint32_t *min, uint32_t *max)
{
	*min = 0;
	*max = PATTERN_ENDLESS;
	if (pattern_take(reader, "*")) {
	} else if (pattern_take(reader, "+")) {
		*min = 1;
	} else if (pattern_take(reader, "?")) {
		*max = 1;
	} else if (pattern_peek(reader, 0) != '{' || !read_braces(reader, min, max)) {
		return false;
	}
	if (!pattern_take(reader, "?"))
		pattern_take(reader, "+");
	return true;
}
