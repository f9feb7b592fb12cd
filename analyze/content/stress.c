#include "analyze/content/stress.h"

#include "analyze/content/cpu_clock.h"

#include <stdio.h>
#include <string.h>

enum { TRIES = 3 };

#define HOPELESS_NS (10 * STRESS_LIMIT_NS)

struct stress {
	const struct rule *rule;
	struct confirm_thread *thread;
	uint8_t buffer[STRESS_BYTES];
	struct stress_result *result;
	/* runs the pattern over the buffer; what it holds: "1 KiB of", then the byte */
	void (*run)(struct stress *stress, const char *what, unsigned byte);
};

/* One pass over all starts of the buffer, or as many as make it hopeless. */
static int64_t measure(struct stress *stress, bool *undecided)
{
	enum { LOOK_EVERY = 16 };
	struct span text = span_make(stress->buffer, sizeof stress->buffer);
	int64_t before = cpu_clock_ns(), took = 0;
	struct match match;

	for (size_t at = 0; at < text.size && !*undecided && took < HOPELESS_NS; at++) {
		*undecided = confirm_at(stress->rule->confirm, stress->thread, text, at, &match) ==
					 CONFIRM_UNDECIDED;
		if (at % LOOK_EVERY == 0)
			took = cpu_clock_ns() - before;
	}
	return cpu_clock_ns() - before;
}

/* No other buffer need be tried. */
static bool is_settled(const struct stress *stress)
{
	return stress->result->undecided || stress->result->ns > HOPELESS_NS;
}

/* The best of some tries, so that a busy machine does not make a pattern look slow. */
static void run_timed(struct stress *stress, const char *what, unsigned byte)
{
	int64_t best = INT64_MAX;
	bool undecided = false;

	for (int i = 0; i < TRIES && best > STRESS_LIMIT_NS && !undecided && (!i || best < HOPELESS_NS);
		 i++) {
		int64_t took = measure(stress, &undecided);

		best = took < best ? took : best;
	}
	if (best <= stress->result->ns && !undecided)
		return;
	stress->result->ns = best;
	stress->result->undecided |= undecided;
	if (byte >= ' ' && byte < 0x7f)
		snprintf(stress->result->buffer, sizeof stress->result->buffer, "%s '%c'", what,
				 (char)byte);
	else
		snprintf(stress->result->buffer, sizeof stress->result->buffer, "%s %02x", what, byte);
}

/* The first starts and some of the others, each with a fifth of the match limit: a pattern that
 * stays just below it everywhere must not take a minute to be found out. */
static void run_counted(struct stress *stress, const char *what, unsigned byte)
{
	enum { FIRST = 8, STEP = 61 };
	struct span text = span_make(stress->buffer, sizeof stress->buffer);
	struct match match;

	(void)what;
	(void)byte;
	for (size_t at = 0; at < text.size && !stress->result->undecided; at += at < FIRST ? 1 : STEP)
		stress->result->undecided = confirm_at(stress->rule->confirm, stress->thread, text, at,
											   &match) == CONFIRM_UNDECIDED;
}

/* A byte repeated, then every byte once: PCRE2 gives up at once on a text that lacks a byte which
 * every match needs. They may be on a line of their own, where a dot does not find them. */
static void fill(struct stress *stress, unsigned byte, bool own_line)
{
	enum { TAIL = 256 };
	uint8_t *tail = stress->buffer + sizeof stress->buffer - TAIL;

	memset(stress->buffer, (int)byte, sizeof stress->buffer - TAIL);
	for (unsigned i = 0; i < TAIL; i++)
		tail[i] = (uint8_t)(TAIL - 1 - i);
	if (own_line)
		tail[-1] = '\n';
}

static void try_repeats(struct stress *stress)
{
	for (unsigned byte = 0; byte < 256 && !is_settled(stress); byte++) {
		fill(stress, byte, false);
		stress->run(stress, "1 KiB of", byte);
		if (is_settled(stress))
			return;
		fill(stress, byte, true);
		stress->run(stress, "a line of", byte);
	}
}

/* xorshift; the same bytes every time. */
static void try_random(struct stress *stress)
{
	uint32_t seed = 0x9e3779b9;

	for (size_t i = 0; i < sizeof stress->buffer; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		stress->buffer[i] = (uint8_t)seed;
	}
	stress->run(stress, "1 KiB of random bytes, first", stress->buffer[0]);
}

/* A sample's start gets the pattern going; what follows makes it give up late. */
static void try_broken_sample(struct stress *stress, struct span sample)
{
	static const char fillers[] = "a0A /\",:.-{[(\n=_";
	enum { CUTS = 4 };

	for (size_t cut = 1; cut <= CUTS; cut++) {
		size_t length = sample.size * cut / CUTS;

		length = length < sizeof stress->buffer / 2 ? length : sizeof stress->buffer / 2;
		for (const char *c = fillers; *c && !is_settled(stress); c++) {
			fill(stress, (uint8_t)*c, false);
			memcpy(stress->buffer, sample.data, length);
			stress->run(stress, "a sample, then", (uint8_t)*c);
		}
	}
}

static void run_buffers(struct stress *stress)
{
	const struct rule *rule = stress->rule;

	try_repeats(stress);
	try_random(stress);
	for (size_t i = 0; i < rule->tests.count && !is_settled(stress); i++)
		if (rule->tests.items[i].wants_match && rule->tests.items[i].bytes.size)
			try_broken_sample(stress, rule->tests.items[i].bytes);
}

struct stress_result stress_run(const struct rule *rule)
{
	struct stress_result result = { 0 };
	struct stress stress = { .rule = rule, .result = &result, .run = run_timed };

	if (rule->confirm && (stress.thread = confirm_thread_create()))
		run_buffers(&stress);
	confirm_thread_destroy(stress.thread);
	result.slow = result.undecided || result.ns > STRESS_LIMIT_NS;
	return result;
}

bool stress_runs_away(const struct rule *rule)
{
	struct stress_result result = { 0 };
	struct stress stress = { .rule = rule, .result = &result, .run = run_counted };

	if (rule->confirm && (stress.thread = confirm_thread_create())) {
		confirm_thread_limit(stress.thread, CONFIRM_MATCH_LIMIT / 5);
		run_buffers(&stress);
	}
	confirm_thread_destroy(stress.thread);
	return result.undecided;
}
