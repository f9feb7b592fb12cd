#include "analyze/rules/pattern_opening.h"

/* What is still to come: a node, the ones behind it in its sequence, and then the rest. */
struct todo {
	const struct pattern_node *node;
	bool alone; /* its siblings are other branches */
	const struct todo *rest;
};

static bool expand(pattern_openings *openings, const struct todo *todo, uint32_t skipped);

static const struct pattern_node *behind(const struct todo *todo, const struct pattern_node *node)
{
	return todo->alone ? NULL : node->next;
}

static bool is_any(const struct pattern_node *node)
{
	for (size_t i = 0; i < sizeof node->set; i++)
		if (node->kind != PATTERN_SET || node->set[i] != 0xff)
			return false;
	return true;
}

/* A match that has nothing to come may begin with anything. */
static bool add(pattern_openings *openings, const struct todo *todo, uint32_t skipped)
{
	struct pattern_head_parts parts;
	struct pattern_opening *opening;

	if (openings->count == PATTERN_OPENINGS)
		return false;
	opening = vec_add(openings);
	opening->skipped = skipped;
	pattern_head_begin(&parts, &opening->head);
	for (; todo; todo = todo->rest)
		for (const struct pattern_node *node = todo->node; node; node = behind(todo, node))
			pattern_head_append(&parts, node);
	pattern_head_end(&parts);
	return true;
}

static bool expand_choice(pattern_openings *openings, const struct pattern_node *branch,
						  const struct todo *rest, uint32_t skipped)
{
	for (; branch; branch = branch->next)
		if (!expand(openings, &(struct todo){ branch, true, rest }, skipped))
			return false;
	return true;
}

/* How many bytes of any kind the node is, or 0. */
static uint32_t bytes_of_any(const struct pattern_node *node)
{
	if (node->kind == PATTERN_REPEAT)
		return node->min == node->max && is_any(node->first) ? node->min : 0;
	return is_any(node);
}

static bool is_optional(const struct pattern_node *node)
{
	return node->kind == PATTERN_REPEAT && node->min == 0 && node->max == 1;
}

static bool expand(pattern_openings *openings, const struct todo *todo, uint32_t skipped)
{
	const struct pattern_node *node = todo ? todo->node : NULL;
	struct todo siblings;
	const struct todo *rest;
	uint32_t any;

	if (!node)
		return add(openings, NULL, skipped);
	siblings = (struct todo){ behind(todo, node), false, todo->rest };
	rest = siblings.node ? &siblings : todo->rest;
	any = bytes_of_any(node);
	if (any && any <= PATTERN_OPENING_SKIPPED - skipped)
		return expand(openings, rest, skipped + any);
	if (node->kind == PATTERN_EMPTY)
		return expand(openings, rest, skipped);
	if (node->kind == PATTERN_SEQUENCE && node->first)
		return expand(openings, &(struct todo){ node->first, false, rest }, skipped);
	if (node->kind == PATTERN_CHOICE)
		return expand_choice(openings, node->first, rest, skipped);
	if (is_optional(node))
		return expand(openings, rest, skipped) &&
			   expand(openings, &(struct todo){ node->first, true, rest }, skipped);
	return add(openings, todo, skipped);
}

void pattern_openings_find(pattern_openings *openings, const struct pattern *pattern)
{
	if (!pattern->root || !expand(openings, &(struct todo){ pattern->root, true, NULL }, 0))
		vec_deinit(openings);
}
