#include "analyze/rules/automaton.h"

/* More, and the question is left open. */
enum { MAX_STATES = 1 << 15 };

static uint32_t add_state(struct automaton *automaton, const uint8_t *set, uint32_t next,
						  uint32_t other)
{
	if (automaton->states.count >= MAX_STATES) {
		automaton->overflow = true;
		return AUTOMATON_ACCEPT;
	}
	*vec_add(&automaton->states) = (struct automaton_state){ set, next, other };
	return (uint32_t)automaton->states.count - 1;
}

static uint32_t build(struct automaton *automaton, const struct pattern_node *node, uint32_t next);

static uint32_t build_sequence(struct automaton *automaton, const struct pattern_node *child,
							   uint32_t next)
{
	if (!child)
		return next;
	next = build_sequence(automaton, child->next, next);
	return build(automaton, child, next);
}

static uint32_t build_choice(struct automaton *automaton, const struct pattern_node *node,
							 uint32_t next)
{
	uint32_t start = UINT32_MAX;
	int only = automaton->branch ? automaton->branch[node->choice] : AUTOMATON_NO_BRANCH;
	int index = 0;

	for (const struct pattern_node *child = node->first; child; child = child->next, index++) {
		uint32_t branch;

		if (only != AUTOMATON_NO_BRANCH && only != index)
			continue;
		branch = build(automaton, child, next);
		start = start == UINT32_MAX ? branch : add_state(automaton, NULL, branch, start);
	}
	return start == UINT32_MAX ? next : start;
}

static uint32_t build_loop(struct automaton *automaton, const struct pattern_node *body,
						   uint32_t next)
{
	uint32_t loop = add_state(automaton, NULL, next, next);
	uint32_t start = build(automaton, body, loop);

	if (!automaton->overflow)
		automaton->states.items[loop].other = start;
	return loop;
}

/* Counts beyond the cap become "that many or more", which matches a superset. */
static uint32_t build_repeat(struct automaton *automaton, const struct pattern_node *node,
							 uint32_t next)
{
	uint32_t cap = automaton->repeat_cap;
	uint32_t min = node->min < cap ? node->min : cap;
	uint32_t end = next;

	if (node->max == PATTERN_ENDLESS || node->max > cap)
		next = build_loop(automaton, node->first, next);
	else
		for (uint32_t i = min; i < node->max && !automaton->overflow; i++)
			next = add_state(automaton, NULL, build(automaton, node->first, next), end);
	for (uint32_t i = 0; i < min && !automaton->overflow; i++) {
		size_t before = automaton->states.count;

		next = build(automaton, node->first, next);
		if (automaton->states.count == before)
			break; /* the body consumes nothing */
	}
	return next;
}

static uint32_t build(struct automaton *automaton, const struct pattern_node *node, uint32_t next)
{
	static const struct pattern_node any_byte = {
		.kind = PATTERN_SET,
		.set = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
				 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
	};

	if (automaton->overflow)
		return AUTOMATON_ACCEPT;
	switch (node->kind) {
	case PATTERN_SET:
		return add_state(automaton, node->set, next, 0);
	case PATTERN_SEQUENCE:
		return build_sequence(automaton, node->first, next);
	case PATTERN_CHOICE:
		return build_choice(automaton, node, next);
	case PATTERN_REPEAT:
		return build_repeat(automaton, node, next);
	case PATTERN_ANYTHING:
		return build_loop(automaton, &any_byte, next);
	default:
		return next;
	}
}

uint32_t automaton_build(struct automaton *automaton, const struct pattern *pattern)
{
	add_state(automaton, NULL, AUTOMATON_ACCEPT, AUTOMATON_ACCEPT);
	return build(automaton, pattern->root, AUTOMATON_ACCEPT);
}
