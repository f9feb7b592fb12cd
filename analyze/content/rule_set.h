/* rule_set: the rules of one or more rule files, compiled. The file format is described in
 * rules/README.md. */
#ifndef ANALYZE_CONTENT_RULE_SET_H
#define ANALYZE_CONTENT_RULE_SET_H

#include "base/err.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct rule_set;

/* A message about a rule file. */
struct rule_message {
	bool is_error;    /* else a warning */
	const char *text; /* ready to print: "FILE:LINE:COLUMN: error[R002] rule 'x': …", then the
					   * source line and a caret; no line end at its end */

	/* the same in parts, for programs */
	const char *code;                 /* "R002" */
	const char *what;                 /* one line */
	const char *rule;                 /* its id, NULL where it is about none */
	const char *file;                 /* NULL: about no file */
	size_t file_number, line, column; /* 0: about the whole file */
	size_t number;                    /* while they are sorted */
};

typedef VEC(struct rule_message) rule_messages; /* texts live as long as the rule set */

/* By file, in the order they were read, line and column. */
void rule_messages_sort(rule_messages *messages);

/* Reads and compiles `count` paths, each a file or a folder (its *.yml and *.yaml files by name),
 * in that order. A bad rule disables only itself and costs a message; only a path that cannot be
 * read is an error. NULL on error. The caller ends with rule_set_destroy. */
struct rule_set *rule_set_create(const char *const *paths, size_t count, rule_messages *messages,
								 struct err *err);
void rule_set_destroy(struct rule_set *set);

/* Number of rules that are in force. */
size_t rule_set_count(const struct rule_set *set);

/* Id ("namespace.id") of rule `index` of those in force. */
const char *rule_set_id(const struct rule_set *set, size_t index);

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

/* The thorough checks of `rules check`, beyond what loading does: keyword coverage of every branch,
 * stress buffers, the tests' presence, the tests. Adds messages and sorts them. */
void rule_set_check(struct rule_set *set, rule_messages *messages);

/* Appends the messages of a check as a JSON object {rules, errors, warnings, messages[]}. */
void rule_set_check_json(const struct rule_set *set, const rule_messages *messages,
						 struct strbuf *out);

/* Runs every rule's own samples with and without the prefilter. Appends what is wrong with each
 * that failed, a line for each rule that has failures or no tests, and a closing count; gives true
 * where all passed. */
bool rule_set_test(struct rule_set *set, struct strbuf *out);

/* As rule_set_test, as a JSON object {passed, failed, rules[{id, passed, failed}], messages[]}; the
 * messages of loading, which are given, stand before those of the tests. */
bool rule_set_test_json(struct rule_set *set, const rule_messages *loading, struct strbuf *out);

#endif
