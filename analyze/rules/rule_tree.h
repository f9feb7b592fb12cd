/* rule_tree: a rule file as a tree of nodes, each with its place. Built from libyaml's events, so
 * every node knows its line and column. Values are text; what type they have is the schema's to say
 * (rule_schema.h). Aliases, anchors, tags and several documents are errors. */
#ifndef ANALYZE_RULES_RULE_TREE_H
#define ANALYZE_RULES_RULE_TREE_H

#include "analyze/rules/rule_message.h"
#include "base/pool.h"
#include "base/span.h"

#include <stdbool.h>

enum tree_kind { TREE_SCALAR, TREE_MAP, TREE_LIST };
enum tree_style { TREE_PLAIN, TREE_SINGLE, TREE_DOUBLE, TREE_LITERAL, TREE_FOLDED };

/* Limits of a rule file. */
enum {
	TREE_MAX_BYTES = 4 << 20,
	TREE_MAX_DEPTH = 16,
	TREE_MAX_NODES = 1 << 18,
	TREE_MAX_KEYS = 1024
};

struct tree_node {
	enum tree_kind kind;
	enum tree_style style; /* of a scalar */
	bool broken;           /* holds a repeated key */
	bool cut;              /* the file ended in a syntax error before this node did */
	struct rule_place place;
	struct span text;               /* of a scalar; NUL-terminated, may hold NULs */
	struct tree_node *key;          /* of a map's value: its key, a scalar */
	struct tree_node *next;         /* sibling */
	struct tree_node *first, *last; /* children of a list; values of a map */
	size_t children;
};

/* Reads the source. Nodes go to the pool. A syntax error costs a message, and what was read before
 * it is kept, the open nodes marked cut. NULL where there is nothing: an empty file too. */
const struct tree_node *tree_read(const struct rule_source *source, struct pool *pool,
								  struct rule_sink *sink);

/* The value of the key in a map, or NULL. */
const struct tree_node *tree_get(const struct tree_node *map, const char *key);

/* The scalar's text as a C string. It ends at the first NUL the text holds. */
const char *tree_text(const struct tree_node *scalar);

/* Where byte `offset` of a scalar's value stands in the file. For a folded scalar, whose line
 * breaks cannot be told, it is the scalar's own place. */
struct rule_place tree_place_of(const struct tree_node *scalar, size_t offset);

#endif
