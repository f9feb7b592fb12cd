#include "analyze/rules/sql_shape.h"

#include "analyze/validators/sql_lexer.h"
#include "analyze/validators/text_run.h"

#include <string.h>

struct shape {
	struct strbuf *out;
	size_t start;   /* of the shape in `out` */
	bool blank;     /* one is due before the next token */
	bool name_next; /* the last word is one that a name follows */
	bool opened;    /* the last token is "(" */
	bool distinct;  /* … is DISTINCT */
	/* A bit for each open bracket, the innermost the lowest: does it hold a query? Without one the
	 * statement itself does. Brackets deeper than that count as none. */
	uint64_t queries;
};

static bool ends_with(const struct shape *shape, const char *end)
{
	size_t length = strlen(end), size = shape->out->size - shape->start;
	const char *last = size >= length ? shape->out->data + shape->out->size - length : NULL;

	/* most differ in the last byte */
	return last && last[length - 1] == end[length - 1] && memcmp(last, end, length) == 0;
}

static void cut(struct shape *shape, size_t bytes)
{
	shape->out->size -= bytes;
	shape->out->data[shape->out->size] = '\0';
}

static void put(struct shape *shape, struct span token)
{
	bool tight = shape->out->size == shape->start || ends_with(shape, "(") ||
				 (token.data[0] && strchr(",);", token.data[0]));

	if (shape->blank && !tight)
		strbuf_putc(shape->out, ' ');
	strbuf_add(shape->out, token.data, token.size);
	shape->blank = false;
}

/* "?, ?" becomes "?". */
static void put_value(struct shape *shape)
{
	if (ends_with(shape, "?,")) {
		cut(shape, 1);
		shape->blank = false;
	} else {
		put(shape, span_string("?"));
	}
}

/* "(?), (?)" becomes "(?)". */
static void put_punctuation(struct shape *shape, struct span token)
{
	put(shape, token);
	if (token.data[0] == ',')
		shape->blank = true;
	if (token.data[0] == ')' && ends_with(shape, "(?), (?)"))
		cut(shape, strlen(", (?)"));
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
static bool name_follows(const struct shape *shape, struct span word)
{
	static const char *const words[] = { "JOIN", "INTO", "UPDATE", "TABLE", "AS" };

	if (sql_is(word, "FROM"))
		return shape->queries & 1 && !shape->distinct;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (sql_is(word, words[i]))
			return true;
	return false;
}

/* Keeps of a token what the next ones must know. */
static void note(struct shape *shape, enum sql_token kind, struct span token)
{
	bool word = kind == SQL_WORD;
	char bracket = kind == SQL_PUNCTUATION ? (char)token.data[0] : '\0';

	if (word && shape->opened && (sql_is(token, "SELECT") || sql_is(token, "WITH")))
		shape->queries |= 1;
	if (bracket == '(')
		shape->queries <<= 1;
	if (bracket == ')')
		shape->queries >>= 1;
	shape->opened = bracket == '(';
	shape->name_next = word && name_follows(shape, token);
	shape->distinct = word && sql_is(token, "DISTINCT");
}

static void put_quoted(struct shape *shape, struct span token, bool must_be_name)
{
	if (must_be_name && is_plain_name(token))
		put(shape, token);
	else
		put_value(shape);
}

/* One token. False at the end, or where no more can be told. */
static bool put_token(struct shape *shape, enum sql_token kind, struct span token, struct span rest)
{
	switch (kind) {
	case SQL_BLANK:
		shape->blank = true;
		return true;
	case SQL_WORD:
	case SQL_PUNCTUATION:
		if (token.data[0] == ';')
			break;
		(kind == SQL_WORD ? put : put_punctuation)(shape, token);
		break;
	case SQL_NUMBER:
	case SQL_STRING:
	case SQL_PLACEHOLDER:
		put_value(shape);
		break;
	case SQL_QUOTED:
		put_quoted(shape, token,
				   shape->name_next || ends_with(shape, ".") || text_starts_with(rest, "."));
		break;
	case SQL_NAME:
		put_quoted(shape, token, true);
		break;
	case SQL_OPEN:
		put(shape, span_string("?..."));
		return false;
	default:
		return false;
	}
	note(shape, kind, token);
	return true;
}

void sql_shape(struct span statement, struct strbuf *out)
{
	struct shape shape = { .out = out, .start = out->size, .queries = 1 };
	enum sql_token kind;
	struct span token;

	do {
		kind = sql_next(statement, &token);
		statement = span_part(statement, token.size, statement.size);
	} while (put_token(&shape, kind, token, statement));
}
