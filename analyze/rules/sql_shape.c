#include "analyze/rules/sql_shape.h"

#include "analyze/validators/sql_lexer.h"
#include "analyze/validators/sql_word.h"
#include "analyze/validators/text_run.h"

#include <string.h>

/* Room for all that can be appended is made at once: a blank and no more than the token for each of
 * its bytes, "?..." once. */
struct shape {
	char *start, *to;
	bool blank;     /* one is due before the next token */
	bool name_next; /* the last word is one that a name follows */
	bool opened;    /* the last token is "(" */
	bool distinct;  /* … is DISTINCT */
	/* A bit for each open bracket, the innermost the lowest: does it hold a query? Without one the
	 * statement itself does. Brackets deeper than that count as none. */
	uint64_t queries;
};

static bool ends_with(const struct shape *shape, char last)
{
	return shape->to > shape->start && shape->to[-1] == last;
}

static bool is_tight(uint8_t c)
{
	return c == ',' || c == ')';
}

static void put(struct shape *shape, struct span token)
{
	if (shape->blank && shape->to > shape->start && !ends_with(shape, '(') &&
		!is_tight(token.data[0]))
		*shape->to++ = ' ';
	memcpy(shape->to, token.data, token.size);
	shape->to += token.size;
	shape->blank = false;
}

/* "?, ?" becomes "?". */
static void put_value(struct shape *shape)
{
	if (ends_with(shape, ',') && shape->to - shape->start > 1 && shape->to[-2] == '?') {
		shape->to--;
		shape->blank = false;
	} else {
		put(shape, span_make("?", 1));
	}
}

/* "(?), (?)" becomes "(?)". */
static void fold_list(struct shape *shape)
{
	static const char list[] = { '(', '?', ')', ',', ' ', '(', '?', ')' };
	enum { ONE = 3 };

	if ((size_t)(shape->to - shape->start) >= sizeof list &&
		memcmp(shape->to - sizeof list, list, sizeof list) == 0)
		shape->to -= sizeof list - ONE;
}

static void put_punctuation(struct shape *shape, struct span token)
{
	put(shape, token);
	if (token.data[0] == ',')
		shape->blank = true;
	else if (token.data[0] == ')')
		fold_list(shape);
}

static bool is_plain_name(struct span quoted)
{
	enum { LONGEST = 64 };

	for (size_t i = 1; i + 1 < quoted.size; i++)
		if (!text_is_letter(quoted.data[i]) && quoted.data[i] != '_' && quoted.data[i] != '$' &&
			(i == 1 || !text_is_digit(quoted.data[i])))
			return false;
	return quoted.size > 2 && quoted.size <= LONGEST + 2;
}

/* A value follows FROM in a function's brackets, as in TRIM(BOTH 'x' FROM "y"), and behind IS
 * DISTINCT (SQL:2016, 6.30 and 8.15). */
static bool name_follows(const struct shape *shape, unsigned word)
{
	if (word & SQL_FROM)
		return shape->queries & 1 && !shape->distinct;
	return word & SQL_NAMES;
}

/* Keeps of a token what the next ones must know. */
static void note(struct shape *shape, const struct sql_token *token)
{
	unsigned word = token->kind == SQL_WORD ? sql_word(token->text) : 0;
	uint8_t bracket = token->kind == SQL_PUNCTUATION ? token->text.data[0] : 0;

	if (shape->opened && word & SQL_QUERY)
		shape->queries |= 1;
	if (bracket == '(')
		shape->queries <<= 1;
	if (bracket == ')')
		shape->queries >>= 1;
	shape->opened = bracket == '(';
	shape->name_next = name_follows(shape, word);
	shape->distinct = word & SQL_DISTINCT;
}

static void put_quoted(struct shape *shape, struct span token, bool must_be_name)
{
	if (must_be_name && is_plain_name(token))
		put(shape, token);
	else
		put_value(shape);
}

/* One token. False at the end, or where no more can be told. */
static bool put_token(struct shape *shape, const struct sql_token *token, struct span rest)
{
	shape->blank |= token->spaced;
	switch (token->kind) {
	case SQL_COMMENT:
		shape->blank = true;
		return true;
	case SQL_WORD:
		put(shape, token->text);
		break;
	case SQL_PUNCTUATION:
		if (token->text.data[0] != ';')
			put_punctuation(shape, token->text);
		break;
	case SQL_NUMBER:
	case SQL_STRING:
	case SQL_PLACEHOLDER:
		put_value(shape);
		break;
	case SQL_QUOTED:
		put_quoted(shape, token->text,
				   shape->name_next || ends_with(shape, '.') || text_starts_with(rest, "."));
		break;
	case SQL_NAME:
		put_quoted(shape, token->text, true);
		break;
	case SQL_OPEN:
		put(shape, span_string("?..."));
		return false;
	default:
		return false;
	}
	note(shape, token);
	return true;
}

void sql_shape(struct span statement, struct strbuf *out)
{
	char *room = strbuf_room(out, 2 * statement.size + strlen("?..."));
	struct shape shape = { .start = room, .to = room, .queries = 1 };
	struct sql_token token;

	do
		sql_next(&statement, &token);
	while (put_token(&shape, &token, statement));
	out->size += (size_t)(shape.to - shape.start);
	*shape.to = '\0';
}
