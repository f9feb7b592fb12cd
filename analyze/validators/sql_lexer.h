/* sql_lexer: SQL taken apart into tokens, whichever of PostgreSQL, MySQL, Oracle, SQLite or SQL
 * Server speaks it. Enough to tell values from names; not a parser. */
#ifndef ANALYZE_VALIDATORS_SQL_LEXER_H
#define ANALYZE_VALIDATORS_SQL_LEXER_H

#include "base/span.h"

#include <stdbool.h>

enum sql_kind {
	SQL_END,
	SQL_COMMENT, /* may hold anything */
	SQL_WORD,    /* a keyword or plain name; sql_word() tells */
	SQL_NUMBER,
	SQL_STRING,      /* '...' or $tag$...$tag$ */
	SQL_QUOTED,      /* "...": a name in standard SQL, a string in MySQL */
	SQL_NAME,        /* `...` */
	SQL_PLACEHOLDER, /* ? $1 :name @name %s %(name)s #{name} */
	SQL_PUNCTUATION, /* one byte */
	SQL_OPEN,        /* a string, name or comment without its end, with a backslash before its
					  * quote, or a word right behind it: what it holds cannot be told */
	SQL_ALIEN,       /* a byte that no statement holds */
};

/* What bytes a word has. */
enum sql_letters {
	SQL_LOWER = 1 << 0,
	SQL_UNDERSCORE = 1 << 1,
	SQL_FOREIGN = 1 << 2, /* beyond ASCII */
	SQL_OTHER = 1 << 3,
};

struct sql_token {
	enum sql_kind kind;
	bool spaced;      /* white space stands before it */
	unsigned letters; /* of SQL_WORD: a set of enum sql_letters; else 0 */
	struct span text; /* empty at the end */
};

/* Takes the next token, and the white space before it, off the start of the text. (Filled where the
 * caller has it: given back as a value it takes longer to be copied than to be found.) */
void sql_next(struct span *text, struct sql_token *token);

#endif
