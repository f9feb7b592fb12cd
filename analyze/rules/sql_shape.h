/* sql_shape: a statement without its values, so that all its runs are one. */
#ifndef ANALYZE_RULES_SQL_SHAPE_H
#define ANALYZE_RULES_SQL_SHAPE_H

#include "base/span.h"
#include "base/strbuf.h"

/* Appends the statement with every literal, number and placeholder as ?, lists of them as one ?,
 * white space folded, comments and the semicolon left out. "Quoted" words stay where only a name
 * can stand: behind FROM, JOIN, INTO, UPDATE, TABLE, AS, and beside a dot. Behind a quote whose end
 * cannot be told nothing is appended but "?...": better a short statement than a value. */
void sql_shape(struct span statement, struct strbuf *out);

#endif
