/* rule_list: the rules in force, as a table or JSON. */
#ifndef ANALYZE_AUTHOR_RULE_LIST_H
#define ANALYZE_AUTHOR_RULE_LIST_H

#include "analyze/rules/rule_set.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* What is listed. */
struct rule_list_options {
	const char *find; /* only rules with this text in id, title, tags or description, whatever the
					   * case; NULL: all */
	size_t columns;   /* titles are cut there, and columns left out; 0: no limit */
	bool json;        /* an array of objects instead of a table */
};

/* Appends a list of the rules; gives their number. */
size_t rule_set_list(const struct rule_set *set, const struct rule_list_options *options,
					 struct strbuf *out);

#endif
