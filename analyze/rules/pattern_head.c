#include "analyze/rules/pattern_head.h"

#include "analyze/rules/byte_set.h"

#include <string.h>

/* Sets of places, a bit each; the one behind the last stands for all that follow. */
enum { BEHIND = 1 << PATTERN_HEAD, INSIDE = BEHIND - 1 };

/* Nodes beyond which the question is left open: counts of counts of counts take exponential time.
 */
enum { MAX_STEPS = 4096 };

static unsigned walk(struct pattern_head_parts *to, const struct pattern_node *node, unsigned at);

/* A byte of the set at each of the places; gives the places behind. */
static unsigned put(struct pattern_head *head, const uint8_t set[32], unsigned at)
{
	for (unsigned byte = 0; byte < 256; byte++)
		if (byte_set_has(set, byte))
			head->places[byte] = (uint8_t)(head->places[byte] | (at & INSIDE));
	return (at << 1 | (at & BEHIND)) & (INSIDE | BEHIND);
}

/* Any bytes from the first of the places on; gives all places from there. */
static unsigned put_anything(struct pattern_head *head, unsigned at)
{
	unsigned from = at ? ~((at & -at) - 1) & (INSIDE | BEHIND) : 0;

	for (unsigned byte = 0; byte < 256; byte++)
		head->places[byte] = (uint8_t)(head->places[byte] | (from & INSIDE));
	return from;
}

/* The places that one more time leads to are those that are not known already, sooner or later. */
static unsigned walk_repeat(struct pattern_head_parts *to, const struct pattern_node *node,
							unsigned at)
{
	unsigned end = node->min ? 0 : at;

	for (uint32_t i = 1; i <= node->max; i++) {
		unsigned next = walk(to, node->first, at);

		if (i >= node->min)
			end |= next;
		if (next == at || (i >= node->min && !(next & INSIDE)))
			return end | next;
		at = next;
	}
	return end;
}

static unsigned walk_all(struct pattern_head_parts *to, const struct pattern_node *node,
						 unsigned at)
{
	unsigned end = node->kind == PATTERN_CHOICE ? 0 : at;

	for (const struct pattern_node *child = node->first; child; child = child->next) {
		if (node->kind == PATTERN_CHOICE)
			end |= walk(to, child, at);
		else
			end = walk(to, child, end);
	}
	return end;
}

/* Gives the places behind the node where it starts at those of `at`. */
static unsigned walk(struct pattern_head_parts *to, const struct pattern_node *node, unsigned at)
{
	if (to->steps++ > MAX_STEPS)
		return at;
	switch (node->kind) {
	case PATTERN_SET:
		return put(to->head, node->set, at);
	case PATTERN_SEQUENCE:
	case PATTERN_CHOICE:
		return walk_all(to, node, at);
	case PATTERN_REPEAT:
		return walk_repeat(to, node, at);
	case PATTERN_ANYTHING:
		return put_anything(to->head, at);
	default:
		return at;
	}
}

void pattern_head_begin(struct pattern_head_parts *parts, struct pattern_head *head)
{
	memset(head, 0, sizeof *head);
	*parts = (struct pattern_head_parts){ .head = head, .places = 1 };
}

void pattern_head_append(struct pattern_head_parts *parts, const struct pattern_node *node)
{
	parts->places = walk(parts, node, parts->places);
}

void pattern_head_end(struct pattern_head_parts *parts)
{
	put_anything(parts->head, parts->steps > MAX_STEPS ? 1 : parts->places);
}

void pattern_head_init(struct pattern_head *head, const struct pattern *pattern)
{
	struct pattern_head_parts parts;

	pattern_head_begin(&parts, head);
	if (pattern->root)
		pattern_head_append(&parts, pattern->root);
	pattern_head_end(&parts);
}

void pattern_head_open(struct pattern_head *head, unsigned place)
{
	put_anything(head, 1u << place);
}

void pattern_head_put(struct pattern_head *head, const uint8_t set[32], unsigned place)
{
	put(head, set, 1u << place);
}

void pattern_head_narrow(struct pattern_head *head, const uint8_t first[32])
{
	for (unsigned byte = 0; byte < 256; byte++)
		if (!byte_set_has(first, byte))
			head->places[byte] = (uint8_t)(head->places[byte] & ~1);
}
