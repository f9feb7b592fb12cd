/* sql_lexer: SQL taken apart into tokens, whichever of PostgreSQL, MySQL, Oracle, SQLite or SQL
 * Server speaks it. Enough to tell values from names; not a parser. */
#ifndef ANALYZE_VALIDATORS_SQL_LEXER_H
#define ANALYZE_VALIDATORS_SQL_LEXER_H

#include "base/span.h"

#include <stdbool.h>

enum sql_token {
	SQL_END,
	SQL_BLANK, /* white space and comments, which may hold anything */
	SQL_WORD,  /* a keyword or plain name; sql_word() tells */
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

/* The token at the start of the text and its bytes; SQL_END with no bytes at the end. */
enum sql_token sql_next(struct span text, struct span *token);

#endif
