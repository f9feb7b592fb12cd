/* rule_file: one rule file, from its text to rules that are read but not yet compiled. */
#ifndef ANALYZE_RULES_RULE_FILE_H
#define ANALYZE_RULES_RULE_FILE_H

#include "analyze/rules/rule.h"
#include "analyze/rules/rule_message.h"
#include "analyze/rules/rule_schema.h"
#include "analyze/rules/rule_tree.h"
#include "base/pool.h"

#include <stdbool.h>

/* A rule as read, with the node it was read from (for the places of its parts). */
struct rule_entry {
	struct rule rule;
	const struct tree_node *node;
	const char *name; /* as written, for messages; NULL: it has none */
	bool good;        /* no error so far */
	bool disabled;    /* by a `disable` entry */
};

typedef VEC(struct rule_entry) rule_entries;

/* A `disable` or `override` entry; applied once all files are read. */
struct rule_edit {
	const char *id; /* as written */
	const char *namespace;
	struct rule_place place;
	const struct tree_node *override; /* NULL: disable */
};

typedef VEC(struct rule_edit) rule_edits;

/* Reads a file's text. Rules with an error are added too, not good, so that their ids are known.
 * Everything lives in the pool but the vectors of the rules: rule_deinit. */
void rule_file_read(const struct rule_source *source, struct pool *pool, struct rule_sink *sink,
					rule_entries *entries, rule_edits *edits);

/* The keys of one kind of map in a rule file. */
struct rule_table {
	const char *name; /* "file", "defaults", "override", "rule", "scan", "when", "aggregate",
					   * "word", "test" */
	const struct schema_field *fields; /* ends with one without a name */
};

/* Table `index`; NULL behind the last. For what describes the format elsewhere. */
const struct rule_table *rule_table_at(size_t index);

/* Applies an override's keys to a rule. False where one is wrong; the rule is then unchanged. */
bool rule_file_override(struct rule *rule, const struct rule_edit *edit, struct pool *pool,
						struct rule_sink *sink);

#endif
