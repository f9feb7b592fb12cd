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

/* A message about a rule file, ready to print: "FILE:LINE:COLUMN: error[R002] rule 'x': …",
 * followed by a source line and a caret where that helps. */
struct rule_message {
	bool is_error; /* else a warning */
	const char *text;
};

typedef VEC(struct rule_message) rule_messages; /* texts live as long as the rule set */

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

/* Appends a table (or a JSON array) of the rules. */
void rule_set_list(const struct rule_set *set, bool json, struct strbuf *out);

/* The thorough checks of `rules check`, beyond what loading does: keyword coverage of every branch,
 * stress buffers, the tests' presence. Adds messages. */
void rule_set_check(struct rule_set *set, rule_messages *messages);

/* Runs every rule's own samples with and without the prefilter, appends a line a failure and a
 * closing count; gives true where all passed. */
bool rule_set_test(struct rule_set *set, struct strbuf *out);

#endif
