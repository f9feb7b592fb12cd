#include "analyze/validators/sql_lexer.h"

#include "analyze/validators/text_run.h"

#include <string.h>

/* What a token can be by its first byte. */
enum start { ALIEN, BLANK, WORD, DIGIT, QUOTE, DOLLAR, SIGN, QUESTION, MARK };

static const uint8_t starts[256] = {
	[' '] = BLANK,         ['\t'] = BLANK,       ['\r'] = BLANK,       ['\n'] = BLANK,
	['A' ... 'Z'] = WORD,  ['a' ... 'z'] = WORD, ['_'] = WORD,         [0x80 ... 0xff] = WORD,
	['0' ... '9'] = DIGIT, ['\''] = QUOTE,       ['"'] = QUOTE,        ['`'] = QUOTE,
	['$'] = DOLLAR,        [':'] = SIGN,         ['@'] = SIGN,         ['%'] = SIGN,
	['#'] = SIGN,          ['?'] = QUESTION,     ['(' ... '/'] = MARK, [';' ... '>'] = MARK,
	['!'] = MARK,          ['|'] = MARK,         ['&'] = MARK,         ['^'] = MARK,
	['~'] = MARK,          ['['] = MARK,         [']'] = MARK,
};

/* The bytes of words. */
static const uint8_t letters[256] = {
	['a' ... 'z'] = SQL_LOWER, ['_'] = SQL_UNDERSCORE, [0x80 ... 0xff] = SQL_FOREIGN,
	['A' ... 'Z'] = SQL_OTHER, ['#'] = SQL_OTHER,      ['0' ... '9'] = SQL_OTHER,
};

static size_t word_length(struct span text, size_t from)
{
	while (from < text.size && letters[text.data[from]])
		from++;
	return from;
}

/* Up to and with `end`, where it is there. */
static enum sql_kind up_to(struct span text, size_t from, const char *end, enum sql_kind kind,
						   struct span *token)
{
	struct span rest = span_part(text, from, text.size), wanted = span_string(end);
	size_t at = text_find(rest, wanted);

	*token = span_part(text, 0, at == rest.size ? text.size : from + at + wanted.size);
	return at == rest.size ? SQL_OPEN : kind;
}

/* A quote inside is doubled; a backslash before it means one thing here and another there. No word
 * stands right behind the end: where one does, the quote was the start of another literal. */
static enum sql_kind quoted(struct span text, struct span *token)
{
	uint8_t quote = text.data[0];
	enum sql_kind kind = quote == '\'' ? SQL_STRING : quote == '"' ? SQL_QUOTED : SQL_NAME;

	*token = text;
	for (size_t i = 1; i < text.size; i++) {
		if (text.data[i] != quote)
			continue;
		if (text.data[i - 1] == '\\')
			return SQL_OPEN;
		if (i + 1 < text.size && text.data[i + 1] == quote) {
			i++;
			continue;
		}
		if (i + 1 < text.size && letters[text.data[i + 1]])
			return SQL_OPEN;
		*token = span_part(text, 0, i + 1);
		return kind;
	}
	return SQL_OPEN;
}

/* q'[it's]' (Oracle SQL Language Reference, Text Literals): up to the same sign, or its other half,
 * and a quote. */
static bool is_custom_quoted(struct span text)
{
	return text.size > 3 && (text.data[0] | 32) == 'q' && text.data[1] == '\'';
}

static enum sql_kind custom_quoted(struct span text, struct span *token)
{
	static const char halves[] = "[]{}()<>";
	const char *half = strchr(halves, text.data[2]);
	char end[] = { (char)text.data[2], '\'', '\0' };

	if (half && text.data[2] && (half - halves) % 2 == 0)
		end[0] = half[1];
	return up_to(text, 3, end, SQL_STRING, token);
}

/* $1, or $tag$...$tag$ (PostgreSQL documentation, 4.1.2.4). */
static enum sql_kind dollar(struct span text, struct span *token)
{
	enum { TAG_MAX = 64 };
	size_t size = word_length(text, 1);
	char tag[TAG_MAX + 3] = "";

	if (size > TAG_MAX || (size > 1 && text_is_digit(text.data[1])) || size == text.size ||
		text.data[size] != '$') {
		*token = span_part(text, 0, size);
		return SQL_PLACEHOLDER;
	}
	memcpy(tag, text.data, size + 1);
	return up_to(text, size + 1, tag, SQL_STRING, token);
}

/* 17, 2.5e3, 0x1f: letters that follow belong to it. */
static enum sql_kind number(struct span text, struct span *token)
{
	size_t size = 1;

	while (size < text.size && (letters[text.data[size]] || text.data[size] == '.'))
		size++;
	*token = span_part(text, 0, size);
	return SQL_NUMBER;
}

/* :name, @name, %s, %(name)s, #{name}; a bare sign is punctuation, and so is the "::" of a cast. */
static enum sql_kind sign(struct span text, struct span *token)
{
	size_t size = word_length(text, 1);

	if (text.data[0] == '%' && size == 1 && text_starts_with(text, "%("))
		return up_to(text, 1, ")s", SQL_PLACEHOLDER, token);
	if (text_starts_with(text, "# ")) /* a comment of MySQL */
		return up_to(text, 2, "\n", SQL_COMMENT, token);
	if (text_starts_with(text, "#{"))
		return up_to(text, 1, "}", SQL_PLACEHOLDER, token);
	*token = span_part(text, 0, size);
	if (size > 1 && (text.data[0] != '%' || size == 2))
		return SQL_PLACEHOLDER;
	*token = span_part(text, 0, text_starts_with(text, "::") ? 2 : 1);
	return SQL_PUNCTUATION;
}

static size_t blank_length(struct span text)
{
	size_t size = 0;

	while (size < text.size && starts[text.data[size]] == BLANK)
		size++;
	return size;
}

/* A comment, or a byte of its own. */
static enum sql_kind mark(struct span text, struct span *token)
{
	uint8_t c = text.data[0], next = text.size > 1 ? text.data[1] : 0;

	if (c == '-' && next == '-')
		return up_to(text, 2, "\n", SQL_COMMENT, token);
	if (c == '/' && next == '*')
		return up_to(text, 2, "*/", SQL_COMMENT, token);
	return SQL_PUNCTUATION;
}

/* By far the most tokens: one look at each byte tells where it ends and what it has. */
static unsigned word(struct span text, struct span *token)
{
	unsigned all = 0;
	size_t size = 0;

	while (size < text.size && letters[text.data[size]])
		all |= letters[text.data[size++]];
	*token = span_part(text, 0, size);
	return all;
}

static enum sql_kind next(struct span text, struct sql_token *token)
{
	switch ((enum start)starts[text.data[0]]) {
	case WORD:
		if (is_custom_quoted(text))
			return custom_quoted(text, &token->text);
		token->letters = word(text, &token->text);
		return SQL_WORD;
	case DIGIT:
		return number(text, &token->text);
	case QUOTE:
		return quoted(text, &token->text);
	case DOLLAR:
		return dollar(text, &token->text);
	case SIGN:
		return sign(text, &token->text);
	case QUESTION:
		return SQL_PLACEHOLDER;
	case MARK:
		return mark(text, &token->text);
	default:
		return SQL_ALIEN;
	}
}

void sql_next(struct span *text, struct sql_token *token)
{
	size_t blank = blank_length(*text);
	struct span rest = span_part(*text, blank, text->size);

	token->kind = SQL_END;
	token->spaced = blank > 0;
	token->letters = 0;
	token->text = span_part(rest, 0, 1);
	if (rest.size)
		token->kind = next(rest, token);
	*text = span_part(rest, token->text.size, rest.size);
}
