/* rule_schema: fills C structs from the maps of a rule file, driven by tables of fields. Unknown
 * keys, wrong kinds and values out of range are messages with their place; types come from the
 * table, never from the look of a value. */
#ifndef ANALYZE_RULES_RULE_SCHEMA_H
#define ANALYZE_RULES_RULE_SCHEMA_H

#include "analyze/rules/rule_message.h"
#include "analyze/rules/rule_tree.h"
#include "analyze/rules/structure.h"
#include "base/pool.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the reading of a file carries along. */
struct schema {
	struct rule_sink *sink;
	struct pool *pool; /* strings and nodes */
};

enum schema_type {
	SCHEMA_TEXT,   /* const char *, not empty */
	SCHEMA_CHOICE, /* an enum: the position in `choices` */
	SCHEMA_INT,    /* int64_t from min to max */
	SCHEMA_U32,    /* uint32_t from min to max */
	SCHEMA_SIZE,   /* uint64_t: "4096", "64K", "0x1c00"; from min to max */
	SCHEMA_RANGE,  /* struct word_range: "8", "8..15", "64..", "..1K" */
	SCHEMA_BOOL,   /* bool: true or false */
	SCHEMA_TEXTS,  /* schema_texts */
	SCHEMA_CUSTOM, /* `read` does it */
};

typedef VEC(const char *) schema_texts;

struct schema_field {
	const char *name;
	enum schema_type type;
	size_t offset; /* of the value in the target */
	bool required;
	int64_t min, max;
	const char *const *choices; /* NULL-ended */
	/* Reads the value into the whole target. Reports its own troubles. */
	bool (*read)(struct schema *schema, const struct tree_node *node, void *target);
};

/* Reads a map into the target. `fields` ends with a field without a name; `what` names the map in
 * messages: "a rule". All troubles are reported, then false is given. */
bool schema_read(struct schema *schema, const struct tree_node *map,
				 const struct schema_field *fields, const char *what, void *target);

/* Reports R005 "WHAT must be WANTED" unless the node is of that kind. */
bool schema_want(struct schema *schema, const struct tree_node *node, enum tree_kind kind,
				 const char *what);

/* A scalar as one of the names: its position. Reports R011 where it is none of them. */
bool schema_choice(struct schema *schema, const struct tree_node *node, const char *const *choices,
				   unsigned *position);

/* A number: decimal with an optional size suffix (K, M, G), or hexadecimal with 0x. */
bool schema_number(const char *text, uint64_t *number);

/* A scalar as a range of numbers, both ends inclusive. Reports R005. */
bool schema_range(struct schema *schema, const struct tree_node *node, struct word_range *range);

/* The name in the list nearest to the word as "; did you mean 'x'?", or "". In the pool. */
const char *schema_suggest(struct schema *schema, const char *word, const char *const *names);

/* A value for a message: escaped, cut where it is long. In the pool. */
const char *schema_quote(struct schema *schema, struct span text);

#endif
