/* rule_part: readers for the parts of a rule that are more than a plain value. Each takes the
 * part's node and fills its fields of the rule (`target`, a struct rule); troubles are reported,
 * then false is given. */
#ifndef ANALYZE_RULES_RULE_PART_H
#define ANALYZE_RULES_RULE_PART_H

#include "analyze/rules/rule.h"
#include "analyze/rules/rule_schema.h"
#include "analyze/rules/rule_tree.h"

#include <stdbool.h>

/* Every chunk the program holds and every free one. */
#define RULE_PART_ALL_STATES                                                               \
	(1u << CHUNK_IN_USE | 1u << CHUNK_MMAPPED | 1u << CHUNK_TCACHE | 1u << CHUNK_FASTBIN | \
	 1u << CHUNK_BINNED | 1u << CHUNK_TOP)

typedef bool rule_part_reader(struct schema *schema, const struct tree_node *node, void *target);

rule_part_reader rule_part_id, rule_part_keywords, rule_part_pattern, rule_part_structure;
rule_part_reader rule_part_scan, rule_part_validate, rule_part_aggregate, rule_part_redact;
rule_part_reader rule_part_tests;

/* Their tables of keys; of `structure` and `tests` those of one item. */
extern const struct schema_field rule_part_scan_fields[], rule_part_when_fields[];
extern const struct schema_field rule_part_aggregate_fields[];
extern const struct schema_field rule_part_word_fields[], rule_part_test_fields[];

/* An id or a namespace: [a-z0-9][a-z0-9.-]{0,63}. */
bool rule_part_name(struct schema *schema, const struct tree_node *node, const char *what,
					const char **name);

/* Bytes written as hex digits and blanks. Reports R005. */
bool rule_part_hex(struct schema *schema, const struct tree_node *node, struct span *bytes);

#endif
