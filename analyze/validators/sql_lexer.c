#include "analyze/validators/sql_lexer.h"

#include "analyze/validators/text_run.h"

#include <string.h>
#include <strings.h>

static const char *const keywords[] = {
	"SELECT",       "DISTINCT",  "FROM",      "WHERE",     "AND",      "OR",      "NOT",
	"NULL",         "IS",        "IN",        "LIKE",      "ILIKE",    "BETWEEN", "JOIN",
	"LEFT",         "RIGHT",     "INNER",     "OUTER",     "CROSS",    "FULL",    "NATURAL",
	"ON",           "USING",     "AS",        "ORDER",     "GROUP",    "BY",      "HAVING",
	"LIMIT",        "OFFSET",    "ASC",       "DESC",      "UNION",    "ALL",     "EXCEPT",
	"INTERSECT",    "INSERT",    "INTO",      "VALUES",    "UPDATE",   "SET",     "DELETE",
	"CASE",         "WHEN",      "THEN",      "ELSE",      "END",      "EXISTS",  "FOR",
	"RETURNING",    "FETCH",     "FIRST",     "NEXT",      "ROW",      "ROWS",    "ONLY",
	"NULLS",        "LAST",      "DUPLICATE", "KEY",       "CONFLICT", "DO",      "NOTHING",
	"IGNORE",       "INTERVAL",  "DATE",      "TIMESTAMP", "TRUE",     "FALSE",   "DEFAULT",
	"OVER",         "PARTITION", "TOP",       "ANY",       "COUNT",    "CAST",    "COLLATE",
	"ESCAPE",       "LOCK",      "SKIP",      "LOCKED",    "SHARE",    "NOWAIT",  "REPLACE",
	"LOW_PRIORITY", "FORCE",     "INDEX",     "USE",
};

bool sql_is(struct span word, const char *keyword)
{
	/* few share the first letter: the rest is not even measured */
	return word.size && (word.data[0] | 32) == (keyword[0] | 32) && word.size == strlen(keyword) &&
		   strncasecmp((const char *)word.data, keyword, word.size) == 0;
}

bool sql_is_keyword(struct span word)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (sql_is(word, keywords[i]))
			return true;
	return false;
}

static bool is_word_byte(int c)
{
	return c >= 0x80 || text_is_letter(c) || text_is_digit(c) || c == '_' || c == '#';
}

static size_t word_length(struct span text, size_t from)
{
	while (from < text.size && is_word_byte(text.data[from]))
		from++;
	return from;
}

/* Up to and with `end`, where it is there. */
static enum sql_token up_to(struct span text, size_t from, const char *end, enum sql_token kind,
							struct span *token)
{
	struct span rest = span_part(text, from, text.size), wanted = span_string(end);
	size_t at = text_find(rest, wanted);

	*token = span_part(text, 0, at == rest.size ? text.size : from + at + wanted.size);
	return at == rest.size ? SQL_OPEN : kind;
}

/* A quote inside is doubled; a backslash before it means one thing here and another there. No word
 * stands right behind the end: where one does, the quote was the start of another literal. */
static enum sql_token quoted(struct span text, enum sql_token kind, struct span *token)
{
	uint8_t quote = text.data[0];

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
		if (i + 1 < text.size && is_word_byte(text.data[i + 1]))
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

static enum sql_token custom_quoted(struct span text, struct span *token)
{
	static const char halves[] = "[]{}()<>";
	const char *half = strchr(halves, text.data[2]);
	char end[] = { (char)text.data[2], '\'', '\0' };

	if (half && text.data[2] && (half - halves) % 2 == 0)
		end[0] = half[1];
	return up_to(text, 3, end, SQL_STRING, token);
}

/* $1, or $tag$...$tag$ (PostgreSQL documentation, 4.1.2.4). */
static enum sql_token dollar(struct span text, struct span *token)
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
static enum sql_token number(struct span text, struct span *token)
{
	size_t size = 1;

	while (size < text.size && (is_word_byte(text.data[size]) || text.data[size] == '.'))
		size++;
	*token = span_part(text, 0, size);
	return SQL_NUMBER;
}

/* :name, @name, %s, %(name)s, #{name}; a bare sign is punctuation, and so is the "::" of a cast. */
static enum sql_token sign(struct span text, struct span *token)
{
	size_t size = word_length(text, 1);

	if (text.data[0] == '%' && size == 1 && text_starts_with(text, "%("))
		return up_to(text, 1, ")s", SQL_PLACEHOLDER, token);
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

	while (size < text.size && text.data[size] && strchr(" \t\r\n", text.data[size]))
		size++;
	return size;
}

enum sql_token sql_next(struct span text, struct span *token)
{
	uint8_t c = text.size ? text.data[0] : 0;

	*token = span_part(text, 0, 1);
	if (!text.size)
		return SQL_END;
	if (blank_length(text)) {
		*token = span_part(text, 0, blank_length(text));
		return SQL_BLANK;
	}
	if (text_starts_with(text, "--"))
		return up_to(text, 2, "\n", SQL_BLANK, token);
	if (text_starts_with(text, "# ")) /* MySQL */
		return up_to(text, 2, "\n", SQL_BLANK, token);
	if (text_starts_with(text, "/*"))
		return up_to(text, 2, "*/", SQL_BLANK, token);
	if (c == '\'' || c == '"' || c == '`')
		return quoted(text, c == '\'' ? SQL_STRING : c == '"' ? SQL_QUOTED : SQL_NAME, token);
	if (c == '$')
		return dollar(text, token);
	if (c == ':' || c == '@' || c == '%' || c == '#')
		return sign(text, token);
	if (text_is_digit(c))
		return number(text, token);
	if (is_custom_quoted(text))
		return custom_quoted(text, token);
	if (is_word_byte(c)) {
		*token = span_part(text, 0, word_length(text, 0));
		return SQL_WORD;
	}
	if (c == '?')
		return SQL_PLACEHOLDER;
	return c && strchr("(),.;=<>!+-*/|&^~[]", c) ? SQL_PUNCTUATION : SQL_ALIEN;
}
