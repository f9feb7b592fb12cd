#include "analyze/rules/coverage.h"

#include "analyze/rules/automaton.h"
#include "analyze/rules/byte_set.h"
#include "analyze/rules/keyword_tail.h"
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
	uint8_t seen; /* 0 new, 1 on the path, 2 done or behind a keyword */
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
	bool spelled; /* only keywords that the pattern spells out count, a byte a set */
	struct pair *pairs;
	VEC(struct frame) path;
	keyword_ends ends;
	bool uncovered, looped;
	struct coverage *out;
};

/* Pairs of a trie state lie together: most are of its start, so few pages are touched. */
static struct pair *pair_of(const struct walk *walk, uint32_t state, uint32_t trie)
{
	return &walk->pairs[(size_t)trie * walk->automaton->states.count + state];
}

static void keep_witness(struct walk *walk)
{
	walk->out->witness_size = 0;
	for (size_t i = 0; i < walk->path.count; i++)
		if (walk->path.items[i].consumed && walk->out->witness_size < sizeof walk->out->witness)
			walk->out->witness[walk->out->witness_size++] = walk->path.items[i].byte;
}

/* A byte of a set of several: no keyword that is spelled out goes on with it. */
static bool cross(struct frame *frame, const struct automaton_state *state, struct frame *to)
{
	*to = (struct frame){ state->next, 0, 0, 0, true };
	return frame->edge++ == 0;
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
	if (walk->spelled && byte_set_count(state->set) != 1)
		return cross(frame, state, to);
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
		if (!pair->seen)
			*vec_add(&walk->ends) =
				(struct keyword_end){ walk->trie->number.items[frame.trie], frame.state };
		pair->seen = 2;
		merge(from, bias - keyword, bias - keyword, 1);
		return true;
	}
	if (pair->seen == 2) {
		merge(from, pair->near, pair->far, frame.consumed);
		return true;
	}
	if (from && pair->seen == 1) { /* a loop before any keyword: the lead has no bound */
		from->far = FAR;
		walk->looped = true;
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

/* What is asked: of all of the pattern, or of one branch of some choices. */
struct question {
	const struct pattern *pattern;
	const struct keyword_trie *trie;
	int *branch;   /* per choice, see automaton; NULL: all branches */
	uint32_t bias; /* length of the longest keyword */
	bool spelled;  /* of keywords that the pattern spells out */
	size_t keywords;
	struct pattern_head *tails; /* per keyword; NULL: not asked for */
};

/* A loop met on the path leaves pairs below it done with bounds that are too narrow, so one loop
 * makes every lead unbounded. */
static void answer(const struct question *question, struct walk *walk, uint32_t start)
{
	struct coverage *out = walk->out;

	out->result = walk->uncovered ? COVERAGE_PARTIAL : COVERAGE_FULL;
	set_leads(out, pair_of(walk, start, 0), question->bias);
	if (walk->looped) {
		out->lead_min = 0;
		out->lead_max = COVERAGE_FAR;
	}
	if (question->tails && !walk->uncovered)
		keyword_tails_fill(question->tails, question->keywords, &walk->ends, walk->automaton);
}

/* One try; false where it is too large. */
static bool try_cover(const struct question *question, uint32_t repeat_cap, struct coverage *out)
{
	struct automaton automaton = { .branch = question->branch, .repeat_cap = repeat_cap };
	struct walk walk = {
		.automaton = &automaton, .trie = question->trie, .spelled = question->spelled, .out = out
	};
	uint32_t start = automaton_build(&automaton, question->pattern);
	size_t pairs = automaton.states.count * question->trie->keyword.count;
	bool fits = !automaton.overflow && pairs <= MAX_PRODUCT;

	if (fits) {
		walk.pairs = mem_zeroed(pairs, sizeof *walk.pairs);
		walk_all(&walk, start, question->bias);
		answer(question, &walk, start);
		free(walk.pairs);
		vec_deinit(&walk.path);
		vec_deinit(&walk.ends);
	}
	vec_deinit(&automaton.states);
	return fits;
}

/* Exact counts first, then coarser ones: still sound, but the lead may get unbounded. */
static bool cover(const struct question *question, struct coverage *out)
{
	static const uint32_t caps[] = { 65535, 256, 64, 16 };

	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
		if (try_cover(question, caps[i], out))
			return true;
	return false;
}

/* Names a branch of this choice without which the choice would be covered, and keeps to it. */
static void narrow_choice(const struct question *question, const struct pattern_node *node,
						  struct coverage *out)
{
	const struct pattern_node *bad = NULL;
	int *branch = &question->branch[node->choice];
	int index = 0, bad_index = 0;
	bool some_good = false;

	for (const struct pattern_node *child = node->first; child; child = child->next, index++) {
		struct coverage one = { 0 };

		*branch = index;
		if (!cover(question, &one))
			continue;
		if (one.result == COVERAGE_FULL) {
			some_good = true;
		} else if (!bad) {
			bad = child;
			bad_index = index;
		}
	}
	*branch = AUTOMATON_NO_BRANCH;
	if (!bad || !some_good)
		return;
	*branch = bad_index;
	out->branch = bad->source;
}

static void narrow(const struct question *question, const struct pattern_node *node,
				   struct coverage *out)
{
	if (node->kind == PATTERN_CHOICE && node->first && node->first->next)
		narrow_choice(question, node, out);
	for (const struct pattern_node *child = node->first; child; child = child->next)
		narrow(question, child, out);
}

/* Where the pattern is not covered: which branch it is, and what would be lost there. */
static void explain(struct question question, struct coverage *out)
{
	int branch[64];

	if (question.pattern->choices > sizeof branch / sizeof *branch)
		return;
	for (size_t i = 0; i < question.pattern->choices; i++)
		branch[i] = AUTOMATON_NO_BRANCH;
	question.branch = branch;
	question.tails = NULL; /* they would be those of a branch */
	narrow(&question, question.pattern->root, out);
	cover(&question, out);
}

/* The first keyword that is spelled out stands at a known place of the pattern, so that what
 * follows it is known. The first of all may stand in any text that the pattern lets pass before; it
 * is asked for where some match has none that is spelled out. */
static bool cover_spelled(struct question question, struct coverage *out)
{
	question.spelled = true;
	return cover(&question, out) && out->result == COVERAGE_FULL;
}

struct coverage coverage_analyse(const struct pattern *pattern, const struct span *keywords,
								 size_t count, struct pattern_head *tails)
{
	struct coverage out = { .result = COVERAGE_UNKNOWN, .lead_max = COVERAGE_FAR };
	struct keyword_trie trie;
	struct question question = {
		.pattern = pattern, .trie = &trie, .keywords = count, .tails = tails
	};
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		if (keywords[i].size > question.bias)
			question.bias = (uint32_t)keywords[i].size;
		total += keywords[i].size;
		pattern_head_open(&tails[i], 0);
	}
	if (!pattern->root || !count || total > MAX_KEYWORD_BYTES)
		return out;
	keyword_trie_init(&trie, keywords, count);
	if (!cover_spelled(question, &out)) {
		out = (struct coverage){ .lead_max = COVERAGE_FAR };
		if (!cover(&question, &out))
			out.result = COVERAGE_UNKNOWN;
		else if (out.result == COVERAGE_PARTIAL)
			explain(question, &out);
	}
	keyword_trie_deinit(&trie);
	return out;
}
