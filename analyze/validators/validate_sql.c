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

/* What letters a word has. */
struct letters {
	bool lower, underscore, foreign; /* foreign: bytes beyond ASCII */
};

static struct letters letters_of(struct span word)
{
	struct letters letters = { 0 };

	for (size_t i = 0; i < word.size; i++) {
		letters.lower |= word.data[i] >= 'a' && word.data[i] <= 'z';
		letters.underscore |= word.data[i] == '_';
		letters.foreign |= word.data[i] >= 0x80;
	}
	return letters;
}

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
static bool take_value(struct statement *statement, enum sql_token kind)
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
static bool take_name(struct statement *statement, unsigned word, struct span name, size_t at)
{
	struct letters letters = letters_of(name);

	if (statement->after_value && statement->has_source && !(word & SQL_BEHIND))
		return false;
	statement->after_value = false;
	if (statement->plain == MOST_PLAIN || (letters.foreign && !text_run_is_all(name)))
		return false;
	if (!statement->plain++)
		statement->plain_one = at + name.size;
	statement->has_source |= statement->wants_name;
	statement->evidence +=
		(statement->wants_name && statement->is_upper && letters.lower) || letters.underscore;
	statement->wants_name = false;
	return true;
}

static bool take_word(struct statement *statement, struct span token, size_t at)
{
	unsigned word = sql_word(token);

	if (!fits(statement, word, 0))
		return false;
	return word & SQL_KEYWORD ? take_keyword(statement, word)
							  : take_name(statement, word, token, at);
}

/* False where the statement ends before this token, or with it, a semicolon. */
static bool take(struct statement *statement, enum sql_token kind, struct span token, size_t at)
{
	bool good = false;

	switch (kind) {
	case SQL_BLANK:
		return token.size == 1 || text_run_is_all(token);
	case SQL_WORD:
		good = take_word(statement, token, at);
		break;
	case SQL_PUNCTUATION:
		good = fits(statement, 0, token.data[0]) && take_punctuation(statement, token.data[0]);
		break;
	case SQL_NUMBER:
	case SQL_STRING:
	case SQL_QUOTED:
	case SQL_NAME:
	case SQL_PLACEHOLDER:
		good = fits(statement, 0, 0) && take_value(statement, kind);
		break;
	default: /* SQL_END, SQL_OPEN, SQL_ALIEN */
		break;
	}
	if (good)
		statement->end = at + token.size;
	return good && token.data[0] != ';';
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

	statement.is_upper = !letters_of(token).lower;
	statement.is_insert = sql_word(token) & SQL_INSERT;
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
