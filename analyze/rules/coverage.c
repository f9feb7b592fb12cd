#include "analyze/rules/coverage.h"

#include "analyze/rules/automaton.h"
#include "analyze/rules/byte_set.h"
#include "analyze/rules/keyword_trie.h"
#include "base/mem.h"
#include "base/vec.h"

#include <stdlib.h>

/* Sizes beyond which the question is left open. */
enum { MAX_KEYWORD_BYTES = 1 << 12, MAX_PRODUCT = 1 << 21 };

/* A byte of the set that is in no keyword, or -1. */
static int other_byte(const uint8_t *set, const struct keyword_trie *trie)
{
	static const char preferred[] = "x0 _-";

	for (const char *c = preferred; *c; c++)
		if (byte_set_has(set, (uint8_t)*c) && !trie->symbol[(uint8_t)*c])
			return (uint8_t)*c;
	for (unsigned byte = 0; byte < 256; byte++)
		if (byte_set_has(set, byte) && !trie->symbol[byte])
			return (int)byte;
	return -1;
}

/* A pair of a pattern state and a trie state. near/far: the smallest and the largest lead of the
 * first keyword from here on; valid once the pair is done. */
struct pair {
	uint8_t seen; /* 0 new, 1 on the path, 2 done */
	uint32_t near, far;
};

enum { FAR = UINT32_MAX, NONE = UINT32_MAX - 1 };

struct frame {
	uint32_t state, trie;
	uint32_t edge;
	uint8_t byte; /* consumed to get here; only where `consumed` */
	bool consumed;
};

struct walk {
	const struct automaton *automaton;
	const struct keyword_trie *trie;
	struct pair *pairs;
	VEC(struct frame) path;
	bool uncovered;
	struct coverage *out;
};

static struct pair *pair_of(const struct walk *walk, uint32_t state, uint32_t trie)
{
	return &walk->pairs[(size_t)state * walk->trie->keyword.count + trie];
}

static void keep_witness(struct walk *walk)
{
	walk->out->witness_size = 0;
	for (size_t i = 0; i < walk->path.count; i++)
		if (walk->path.items[i].consumed && walk->out->witness_size < sizeof walk->out->witness)
			walk->out->witness[walk->out->witness_size++] = walk->path.items[i].byte;
}

/* The next pair reachable from the frame; false when there is no further one. */
static bool next_edge(const struct walk *walk, struct frame *frame, struct frame *to)
{
	const struct automaton_state *state = &walk->automaton->states.items[frame->state];
	const struct keyword_trie *trie = walk->trie;

	if (!state->set) {
		if (frame->edge > 1)
			return false;
		*to = (struct frame){ frame->edge ? state->other : state->next, frame->trie, 0, 0, false };
		frame->edge++;
		return true;
	}
	while (frame->edge < trie->symbols) {
		uint32_t symbol = frame->edge++;
		int byte = symbol ? trie->byte[symbol] : other_byte(state->set, trie);

		if (byte < 0 || !byte_set_has(state->set, (unsigned)byte))
			continue;
		*to = (struct frame){ state->next, trie->go.items[frame->trie * trie->symbols + symbol], 0,
							  (uint8_t)byte, true };
		return true;
	}
	return false;
}

/* Leads count from the pair, and may be negative in between: a keyword can have begun before it.
 * They are kept with the longest keyword's length added. */
static void merge(struct pair *pair, uint32_t near, uint32_t far, uint32_t step)
{
	if (near != NONE && near + step < pair->near)
		pair->near = near + step;
	if (far == NONE)
		return;
	far = far == FAR ? FAR : far + step;
	if (pair->far == NONE || far > pair->far)
		pair->far = far;
}

static bool visit(struct walk *walk, struct frame frame, uint32_t bias)
{
	struct pair *from = walk->path.count
							? pair_of(walk, walk->path.items[walk->path.count - 1].state,
									  walk->path.items[walk->path.count - 1].trie)
							: NULL;
	uint32_t keyword = walk->trie->keyword.items[frame.trie];
	struct pair *pair = pair_of(walk, frame.state, frame.trie);

	if (keyword && frame.consumed) {
		merge(from, bias - keyword, bias - keyword, 1);
		return true;
	}
	if (pair->seen == 2) {
		merge(from, pair->near, pair->far, frame.consumed);
		return true;
	}
	if (from && pair->seen == 1) { /* a loop before any keyword: the lead has no bound */
		from->far = FAR;
		return true;
	}
	*pair = (struct pair){ 1, NONE, NONE };
	*vec_add(&walk->path) = frame;
	if (frame.state == AUTOMATON_ACCEPT) {
		walk->uncovered = true;
		keep_witness(walk);
		return false;
	}
	return true;
}

static void leave(struct walk *walk)
{
	struct frame frame = walk->path.items[--walk->path.count];
	struct pair *pair = pair_of(walk, frame.state, frame.trie);

	pair->seen = 2;
	if (walk->path.count) {
		struct frame parent = walk->path.items[walk->path.count - 1];

		merge(pair_of(walk, parent.state, parent.trie), pair->near, pair->far, frame.consumed);
	}
}

/* Depth first over all pairs reachable without meeting a keyword. */
static void walk_all(struct walk *walk, uint32_t start, uint32_t bias)
{
	bool going = visit(walk, (struct frame){ .state = start }, bias);

	while (going && walk->path.count) {
		struct frame *frame = &walk->path.items[walk->path.count - 1];
		struct frame to;

		if (next_edge(walk, frame, &to))
			going = visit(walk, to, bias);
		else
			leave(walk);
	}
}

static void set_leads(struct coverage *out, const struct pair *start, uint32_t bias)
{
	out->lead_min = start->near == NONE || start->near < bias ? 0 : start->near - bias;
	out->lead_max = start->far == FAR || start->far == NONE ? COVERAGE_FAR
					: start->far < bias                     ? 0
															: start->far - bias;
}

/* A loop met on the path leaves pairs below it done with bounds that are too narrow, so one loop
 * makes every lead unbounded. */
static bool has_loop(const struct walk *walk, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++)
		if (walk->pairs[i].seen && walk->pairs[i].far == FAR)
			return true;
	return false;
}

/* One try; false where it is too large. */
static bool try_cover(const struct pattern *pattern, const struct keyword_trie *trie,
					  const int *branch, uint32_t repeat_cap, uint32_t bias, struct coverage *out)
{
	struct automaton automaton = { .branch = branch, .repeat_cap = repeat_cap };
	struct walk walk = { .automaton = &automaton, .trie = trie, .out = out };
	size_t pairs;
	uint32_t start;

	start = automaton_build(&automaton, pattern);
	pairs = automaton.states.count * trie->keyword.count;
	if (automaton.overflow || pairs > MAX_PRODUCT) {
		vec_deinit(&automaton.states);
		return false;
	}
	walk.pairs = mem_zeroed(pairs, sizeof *walk.pairs);
	walk_all(&walk, start, bias);
	out->result = walk.uncovered ? COVERAGE_PARTIAL : COVERAGE_FULL;
	set_leads(out, pair_of(&walk, start, 0), bias);
	if (has_loop(&walk, pairs)) {
		out->lead_min = 0;
		out->lead_max = COVERAGE_FAR;
	}
	free(walk.pairs);
	vec_deinit(&walk.path);
	vec_deinit(&automaton.states);
	return true;
}

/* Exact counts first, then coarser ones: still sound, but the lead may get unbounded. */
static bool cover(const struct pattern *pattern, const struct keyword_trie *trie, const int *branch,
				  uint32_t bias, struct coverage *out)
{
	static const uint32_t caps[] = { 65535, 256, 64, 16 };

	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
		if (try_cover(pattern, trie, branch, caps[i], bias, out))
			return true;
	return false;
}

/* Names a branch of this choice without which the choice would be covered, and keeps to it. */
static void narrow_choice(const struct pattern *pattern, const struct pattern_node *node,
						  const struct keyword_trie *trie, int *branch, uint32_t bias,
						  struct coverage *out)
{
	const struct pattern_node *bad = NULL;
	int index = 0, bad_index = 0;
	bool some_good = false;

	for (const struct pattern_node *child = node->first; child; child = child->next, index++) {
		struct coverage one = { 0 };

		branch[node->choice] = index;
		if (!cover(pattern, trie, branch, bias, &one))
			continue;
		if (one.result == COVERAGE_FULL) {
			some_good = true;
		} else if (!bad) {
			bad = child;
			bad_index = index;
		}
	}
	branch[node->choice] = AUTOMATON_NO_BRANCH;
	if (!bad || !some_good)
		return;
	branch[node->choice] = bad_index;
	out->branch = bad->source;
}

static void narrow(const struct pattern *pattern, const struct pattern_node *node,
				   const struct keyword_trie *trie, int *branch, uint32_t bias,
				   struct coverage *out)
{
	if (node->kind == PATTERN_CHOICE && node->first && node->first->next)
		narrow_choice(pattern, node, trie, branch, bias, out);
	for (const struct pattern_node *child = node->first; child; child = child->next)
		narrow(pattern, child, trie, branch, bias, out);
}

struct coverage coverage_analyse(const struct pattern *pattern, const struct span *keywords,
								 size_t count)
{
	struct coverage out = { .result = COVERAGE_UNKNOWN, .lead_max = COVERAGE_FAR };
	struct keyword_trie trie;
	size_t bias = 0, total = 0;

	for (size_t i = 0; i < count; i++) {
		bias = keywords[i].size > bias ? keywords[i].size : bias;
		total += keywords[i].size;
	}
	if (!pattern->root || !count || total > MAX_KEYWORD_BYTES)
		return out;
	keyword_trie_init(&trie, keywords, count);
	if (!cover(pattern, &trie, NULL, (uint32_t)bias, &out)) {
		out.result = COVERAGE_UNKNOWN;
	} else if (out.result == COVERAGE_PARTIAL && pattern->choices <= 64) {
		int branch[64];

		for (size_t i = 0; i < pattern->choices; i++)
			branch[i] = AUTOMATON_NO_BRANCH;
		narrow(pattern, pattern->root, &trie, branch, (uint32_t)bias, &out);
		cover(pattern, &trie, branch, (uint32_t)bias, &out);
	}
	keyword_trie_deinit(&trie);
	return out;
}
