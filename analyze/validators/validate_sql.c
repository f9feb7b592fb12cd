/* SQL statements in other text: where one ends, and whether it is one at all. English has the same
 * words, but not three names in a row, nor operators and placeholders. */
#include "analyze/validators/sql_lexer.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

enum { MAX_BYTES = 16 << 10, MOST_PLAIN = 2 };

struct statement {
	size_t end;       /* behind the last token that belongs to it */
	unsigned plain;   /* words in a row that are no keywords */
	size_t plain_one; /* behind the first of them */
	unsigned evidence;
	bool has_source; /* a name behind FROM, INTO or UPDATE */
	bool has_action; /* SELECT ... FROM, VALUES, SET, DELETE */
	bool wants_name, is_upper;
	unsigned open; /* brackets */
};

static bool is_upper(struct span word)
{
	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] >= 'a' && word.data[i] <= 'z')
			return false;
	return true;
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
		statement->open++;
	if (c != ')' && c != ']')
		return true;
	return statement->open && statement->open--;
}

/* False where the statement ends before this token. */
static bool take(struct statement *statement, enum sql_token kind, struct span token, size_t at)
{
	if (kind == SQL_BLANK)
		return token.size == 1 || text_run_is_all(token);
	if (kind == SQL_END || kind == SQL_OPEN || kind == SQL_ALIEN)
		return false;
	if (kind == SQL_PUNCTUATION && !take_bracket(statement, token.data[0]))
		return false;
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
