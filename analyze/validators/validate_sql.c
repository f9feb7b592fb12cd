/* SQL statements in other text: where one ends, and whether it is one at all. English has the same
 * words, but not three names in a row, nor operators and placeholders. */
#include "analyze/validators/sql_lexer.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

enum { MAX_BYTES = 16 << 10, MOST_PLAIN = 2, DEEPEST = 64 };

struct statement {
	size_t end;       /* behind the last token that belongs to it */
	unsigned plain;   /* words in a row that are no keywords */
	size_t plain_one; /* behind the first of them */
	unsigned evidence;
	bool has_source; /* a name behind FROM, INTO or UPDATE */
	bool has_action; /* SELECT ... FROM, VALUES, SET, DELETE */
	bool wants_name, is_upper, is_insert;
	bool begin_fits;  /* a statement may begin at the token at hand */
	bool after_value; /* a literal, number or placeholder */
	unsigned open;    /* brackets */
};

static bool is_upper(struct span word)
{
	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] >= 'a' && word.data[i] <= 'z')
			return false;
	return true;
}

/* A statement follows in brackets or joined to this one, and SELECT in an INSERT; elsewhere this
 * one has ended. */
static bool fits(struct statement *statement, enum sql_token kind, struct span token)
{
	static const char *const joins[] = { "UNION", "ALL", "DISTINCT", "EXCEPT", "INTERSECT" };
	bool select = kind == SQL_WORD && sql_is(token, "SELECT");
	bool other = kind == SQL_WORD && (sql_is(token, "INSERT") || sql_is(token, "DELETE"));
	bool good = statement->begin_fits || (!other && (!select || statement->is_insert));

	statement->begin_fits = token.data[0] == '(';
	for (size_t i = 0; kind == SQL_WORD && i < sizeof joins / sizeof *joins; i++)
		statement->begin_fits |= sql_is(token, joins[i]);
	return good;
}

static void take_keyword(struct statement *statement, struct span word)
{
	statement->plain = 0;
	statement->wants_name = sql_is(word, "FROM") || sql_is(word, "INTO") || sql_is(word, "UPDATE");
	statement->has_action |= sql_is(word, "FROM") || sql_is(word, "VALUES") ||
							 sql_is(word, "SET") || sql_is(word, "SELECT");
}

/* A name of upper-case keywords around lower-case ones, or with an underscore, is none of English.
 */
static void take_name(struct statement *statement, struct span word, size_t at)
{
	if (!statement->plain++)
		statement->plain_one = at + word.size;
	statement->has_source |= statement->wants_name;
	statement->evidence += (statement->wants_name && statement->is_upper && !is_upper(word)) ||
						   memchr(word.data, '_', word.size) != NULL;
	statement->wants_name = false;
}

/* A bracket that the statement has not opened is one around it. */
static bool take_bracket(struct statement *statement, uint8_t c)
{
	if (c == '(' || c == '[')
		return statement->open++ < DEEPEST;
	if (c != ')' && c != ']')
		return true;
	return statement->open && statement->open--;
}

/* No name follows the value of a condition: what does is the value of a parameter, or a sentence.
 * These words of SQL do, which English has too. */
static bool stands_behind_value(struct span word)
{
	static const char *const words[] = { "SECOND",  "MINUTE", "HOUR",    "DAY",  "WEEK",  "MONTH",
										 "QUARTER", "YEAR",   "AT",      "DIV",  "MOD",   "XOR",
										 "REGEXP",  "RLIKE",  "SIMILAR", "WITH", "OPTION" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (sql_is(word, words[i]))
			return true;
	return false;
}

/* False where the statement ends before this token. */
static bool take(struct statement *statement, enum sql_token kind, struct span token, size_t at)
{
	if (kind == SQL_END || kind == SQL_OPEN || kind == SQL_ALIEN ||
		(kind == SQL_BLANK && !text_run_is_all(token)))
		return false;
	if (kind == SQL_BLANK)
		return true;
	if (!fits(statement, kind, token) ||
		(kind == SQL_PUNCTUATION && !take_bracket(statement, token.data[0])))
		return false;
	if (kind == SQL_WORD && statement->after_value && statement->has_source &&
		!sql_is_keyword(token) && !stands_behind_value(token))
		return false;
	statement->after_value = kind == SQL_STRING || kind == SQL_NUMBER || kind == SQL_PLACEHOLDER;
	if (kind == SQL_WORD && !sql_is_keyword(token)) {
		if (!text_run_is_all(token) || statement->plain == MOST_PLAIN)
			return false;
		take_name(statement, token, at);
	} else if (kind == SQL_WORD) {
		take_keyword(statement, token);
	} else {
		statement->has_source |= statement->wants_name && kind != SQL_PUNCTUATION;
		statement->evidence += kind != SQL_PUNCTUATION || !strchr(",;.", token.data[0]);
		statement->plain = 0;
	}
	statement->end = at + token.size;
	return kind != SQL_PUNCTUATION || token.data[0] != ';';
}

/* From the capture `sql` on, or from the match's start. A statement between quotes, captured as
 * `quote`, ends with them: what stands behind is somebody else's text. */
static struct span find_text(struct span bytes, const struct match *match)
{
	const struct match_capture *sql = match_find(match, "sql"), *quote = match_find(match, "quote");
	size_t start = sql && sql->text.data ? (size_t)(sql->text.data - bytes.data) : 0;
	struct span text = span_part(bytes, start, MAX_BYTES);

	if (quote && quote->text.size)
		text = span_part(text, 0, text_find(text, quote->text));
	return text;
}

/* Provides `statement`. */
bool validate_sql_statement(struct span bytes, struct match *match)
{
	struct statement statement = { 0 };
	struct span text = find_text(bytes, match), token;
	enum sql_token kind = sql_next(text, &token);

	statement.is_upper = is_upper(token);
	statement.is_insert = sql_is(token, "INSERT");
	statement.begin_fits = true;
	for (size_t at = 0; take(&statement, kind, token, at);) {
		at += token.size;
		kind = sql_next(span_part(text, at, text.size), &token);
	}
	/* what follows are words of a sentence: the second of two plain ones is its first */
	if (kind == SQL_WORD && statement.plain == MOST_PLAIN)
		statement.end = statement.plain_one;
	match_extend(match, (size_t)(text.data - bytes.data) + statement.end);
	match_set(match, "statement", span_part(text, 0, statement.end));
	return statement.has_source && statement.has_action &&
		   statement.evidence >= (statement.is_upper ? 1 : 2);
}
