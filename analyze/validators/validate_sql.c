/* SQL statements in other text: where one ends, and whether it is one at all. English has the same
 * words, but not three names in a row, nor operators and placeholders. */
#include "analyze/validators/sql_lexer.h"
#include "analyze/validators/sql_word.h"
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

/* A statement follows in brackets or joined to this one, and SELECT in an INSERT; elsewhere this
 * one has ended. */
static bool fits(struct statement *statement, unsigned word, uint8_t first)
{
	bool select = word & SQL_SELECT, other = word & (SQL_INSERT | SQL_DELETE);
	bool good = statement->begin_fits || (!other && (!select || statement->is_insert));

	statement->begin_fits = first == '(' || word & SQL_JOINS;
	return good;
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

static bool take_punctuation(struct statement *statement, uint8_t c)
{
	if (!take_bracket(statement, c))
		return false;
	statement->evidence += c != ',' && c != ';' && c != '.';
	statement->plain = 0;
	statement->after_value = false;
	return true;
}

/* A literal, number, placeholder or quoted name. */
static bool take_value(struct statement *statement, enum sql_kind kind)
{
	statement->has_source |= statement->wants_name;
	statement->evidence++;
	statement->plain = 0;
	statement->after_value = kind == SQL_STRING || kind == SQL_NUMBER || kind == SQL_PLACEHOLDER;
	return true;
}

static bool take_keyword(struct statement *statement, unsigned word)
{
	statement->plain = 0;
	statement->wants_name = word & SQL_SOURCE;
	statement->has_action |= (word & SQL_ACTION) != 0;
	statement->after_value = false;
	return true;
}

/* A name of upper-case keywords around lower-case ones, or with an underscore, is none of English.
 * No name follows the value of a condition: what does is the value of a parameter, or a sentence.
 * Some words of SQL do, which English has too. */
static bool take_name(struct statement *statement, const struct sql_token *name, bool may_follow,
					  size_t at)
{
	if (statement->after_value && statement->has_source && !may_follow)
		return false;
	statement->after_value = false;
	if (statement->plain == MOST_PLAIN ||
		(name->letters & SQL_FOREIGN && !text_run_is_all(name->text)))
		return false;
	if (!statement->plain++)
		statement->plain_one = at + name->text.size;
	statement->has_source |= statement->wants_name;
	statement->evidence +=
		(statement->wants_name && statement->is_upper && name->letters & SQL_LOWER) ||
		name->letters & SQL_UNDERSCORE;
	statement->wants_name = false;
	return true;
}

static bool take_word(struct statement *statement, const struct sql_token *token, size_t at)
{
	unsigned word = sql_word(token->text);

	if (!fits(statement, word, 0))
		return false;
	return word & SQL_KEYWORD ? take_keyword(statement, word)
							  : take_name(statement, token, word & SQL_BEHIND, at);
}

/* False where the statement ends before this token, or with it, a semicolon. */
static bool take(struct statement *statement, const struct sql_token *token, size_t at)
{
	uint8_t first = token->text.size ? token->text.data[0] : 0;
	bool good = false;

	switch (token->kind) {
	case SQL_COMMENT:
		return text_run_is_all(token->text);
	case SQL_WORD:
		good = take_word(statement, token, at);
		break;
	case SQL_PUNCTUATION:
		good = fits(statement, 0, first) && take_punctuation(statement, first);
		break;
	case SQL_NUMBER:
	case SQL_STRING:
	case SQL_QUOTED:
	case SQL_NAME:
	case SQL_PLACEHOLDER:
		good = fits(statement, 0, 0) && take_value(statement, token->kind);
		break;
	default: /* SQL_END, SQL_OPEN, SQL_ALIEN */
		break;
	}
	if (good)
		statement->end = at + token->text.size;
	return good && first != ';';
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
	struct span text = find_text(bytes, match), rest = text;
	struct statement statement = { .begin_fits = true };
	struct sql_token token;

	sql_next(&rest, &token);
	statement.is_upper = token.kind == SQL_WORD && !(token.letters & SQL_LOWER);
	statement.is_insert = sql_word(token.text) & SQL_INSERT;
	while (take(&statement, &token, (size_t)(token.text.data - text.data)))
		sql_next(&rest, &token);
	/* what follows are words of a sentence: the second of two plain ones is its first */
	if (token.kind == SQL_WORD && statement.plain == MOST_PLAIN)
		statement.end = statement.plain_one;
	match_extend(match, (size_t)(text.data - bytes.data) + statement.end);
	match_set(match, "statement", span_part(text, 0, statement.end));
	return statement.has_source && statement.has_action &&
		   statement.evidence >= (statement.is_upper ? 1 : 2);
}
