#include "analyze/rules/keyword_tail.h"

#include "base/mem.h"

#include <stdlib.h>

typedef VEC(uint32_t) states;

/* The automaton's states before a byte, each once: it has the stamp of that byte. */
struct walk {
	const struct automaton *automaton;
	uint32_t *stamps; /* per state */
	uint32_t stamp;
	states now;
};

static void add(struct walk *walk, uint32_t state, states *to)
{
	if (walk->stamps[state] == walk->stamp)
		return;
	walk->stamps[state] = walk->stamp;
	*vec_add(to) = state;
}

/* Splits lead to further states for free. Gives false where a match can end here. */
static bool follow_splits(struct walk *walk)
{
	for (size_t i = 0; i < walk->now.count; i++) {
		uint32_t at = walk->now.items[i];
		struct automaton_state state = walk->automaton->states.items[at];

		if (at == AUTOMATON_ACCEPT)
			return false;
		if (state.set)
			continue;
		add(walk, state.next, &walk->now);
		add(walk, state.other, &walk->now);
	}
	return true;
}

static void take_byte(struct walk *walk, struct pattern_head *head, unsigned place)
{
	states next = { 0 };

	walk->stamp++;
	for (size_t i = 0; i < walk->now.count; i++) {
		struct automaton_state state = walk->automaton->states.items[walk->now.items[i]];

		if (!state.set)
			continue;
		pattern_head_put(head, state.set, place);
		add(walk, state.next, &next);
	}
	vec_deinit(&walk->now);
	walk->now = next;
}

static void fill_tail(struct walk *walk, struct pattern_head *tail)
{
	for (unsigned place = 0; place < PATTERN_HEAD && walk->now.count; place++) {
		if (!follow_splits(walk)) {
			pattern_head_open(tail, place);
			return;
		}
		take_byte(walk, tail, place);
	}
}

static int compare_ends(const void *left, const void *right)
{
	const struct keyword_end *a = left, *b = right;

	return (a->keyword > b->keyword) - (a->keyword < b->keyword);
}

void keyword_tails_fill(struct pattern_head *tails, size_t count, keyword_ends *ends,
						const struct automaton *automaton)
{
	struct walk walk = { .automaton = automaton };
	size_t next = 0;

	walk.stamps = mem_zeroed(automaton->states.count, sizeof *walk.stamps);
	vec_sort(ends, compare_ends);
	for (size_t i = 0; i < count; i++) {
		tails[i] = (struct pattern_head){ 0 };
		walk.now.count = 0;
		walk.stamp++;
		for (; next < ends->count && ends->items[next].keyword == i; next++)
			add(&walk, ends->items[next].state, &walk.now);
		fill_tail(&walk, &tails[i]);
	}
	vec_deinit(&walk.now);
	free(walk.stamps);
}
