/* rule_set: the rules of one or more rule files, compiled. The file format is described in
 * rules/README.md. */
#ifndef ANALYZE_RULES_RULE_SET_H
#define ANALYZE_RULES_RULE_SET_H

#include "base/err.h"
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

#endif
