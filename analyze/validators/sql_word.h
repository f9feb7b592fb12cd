/* sql_word: the words of SQL, and what each says about what stands behind it. */
#ifndef ANALYZE_VALIDATORS_SQL_WORD_H
#define ANALYZE_VALIDATORS_SQL_WORD_H

#include "base/span.h"

/* A name has none of these. */
enum sql_word {
	SQL_KEYWORD = 1 << 0,
	SQL_SELECT = 1 << 1,    /* the word itself */
	SQL_INSERT = 1 << 2,    /* the word itself */
	SQL_DELETE = 1 << 3,    /* the word itself */
	SQL_ACTION = 1 << 4,    /* no statement is without one of these: SELECT, FROM, SET, VALUES */
	SQL_SOURCE = 1 << 5,    /* the name of a table follows: FROM, INTO, UPDATE */
	SQL_NAMES = 1 << 6,     /* what follows in quotes is a name; all of SQL_SOURCE are of them */
	SQL_JOINS = 1 << 7,     /* a statement may follow: UNION, ALL */
	SQL_BEHIND = 1 << 8,    /* no keyword, but may stand behind the value of a condition: units of
							 * time, operators */
	SQL_FROM = 1 << 9,      /* the word itself */
	SQL_DISTINCT = 1 << 10, /* the word itself */
	SQL_QUERY = 1 << 11,    /* what a bracket that holds a query begins with: SELECT, WITH */
};

/* What the word is, whatever its case. Takes a few comparisons: one look tells all that callers ask
 * about a word. */
unsigned sql_word(struct span word);

#endif
