/* pattern_head: which bytes the first places of a match can have, each place by itself. Costs a few
 * loads where PCRE2 takes 30 ns, and tells most starts that cannot be. */
#ifndef ANALYZE_RULES_PATTERN_HEAD_H
#define ANALYZE_RULES_PATTERN_HEAD_H

#include "analyze/rules/pattern.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { PATTERN_HEAD = 8 };

struct pattern_head {
	uint8_t places[256]; /* per byte: a bit for each place that it can stand at */
};

/* Every byte everywhere where the pattern is not known. */
void pattern_head_init(struct pattern_head *head, const struct pattern *pattern);

/* The same of nodes one after the other. */
struct pattern_head_parts {
	struct pattern_head *head;
	unsigned places; /* that the next node can start at */
	unsigned steps;  /* nodes that were walked */
};

void pattern_head_begin(struct pattern_head_parts *parts, struct pattern_head *head);
void pattern_head_append(struct pattern_head_parts *parts, const struct pattern_node *node);
void pattern_head_end(struct pattern_head_parts *parts);

/* Every byte at each place from this one on. */
void pattern_head_open(struct pattern_head *head, unsigned place);

/* The bytes of the set at a place, too. */
void pattern_head_put(struct pattern_head *head, const uint8_t set[32], unsigned place);

/* Leaves the first place to bytes of that set. */
void pattern_head_narrow(struct pattern_head *head, const uint8_t first[32]);

/* Can a match start with these bytes? `text` may go on behind the match, or end within it. */
static inline bool pattern_head_fits(const struct pattern_head *head, struct span text)
{
	size_t count = text.size < PATTERN_HEAD ? text.size : PATTERN_HEAD;

	for (size_t i = 0; i < count; i++)
		if (!(head->places[text.data[i]] >> i & 1))
			return false;
	return true;
}

#endif
