/* Patterns that run away: what they cost is theirs, and the same for any number of threads. */
#include "tests/unit/unit.h"

#include "analyze/content/join.h"
#include "analyze/rules/rule.h"
#include "analyze/content/scan.h"
#include "analyze/content/unit_scan.h"
#include "tests/support/packed.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The first runs away where a "key" is followed by many letters, the other finds all keys. */
#define RUNAWAY                                \
	"- {id: away, title: T, keywords: [key], " \
	"pattern: 'key(?:[a-z]{1,100}){1,3}[\\x01\\x02]'}\n"
#define HONEST "- {id: honest, title: T, keywords: [key], pattern: 'key'}\n"

#define GZIP                                                                           \
	"- {id: gz, title: T, keywords: [{hex: '1f 8b 08'}], pattern: '\\x1f\\x8b\\x08', " \
	"validate: [gzip], extent: validator}\n"

enum { LETTERS = 400, HEAVY = 48 };

static void load(struct rule_text *rules, const char *text)
{
	rule_text_load_rule(rules, text);
	assert_string_equal(strbuf_text(&rules->all), "");
}

static struct findings scan(const struct rule_text *rules, const struct sketch *sketch,
							unsigned workers)
{
	struct findings findings;
	struct err err = { 0 };

	if (!content_scan(&findings, rules->set, &sketch->image, NULL, &sketch->chunks, NULL, workers,
					  NULL, &err))
		fail_msg("%s", err.what);
	return findings;
}

/* A chunk in which the pattern runs away. */
static void add_bait(struct sketch *sketch)
{
	uint8_t *payload = sketch_chunk(sketch, LETTERS + 32, CHUNK_IN_USE);

	memset(payload, 'a', LETTERS);
	memcpy(payload, "key", 3);
}

/* One in which it takes a tenth of the match limit. */
static void add_heavy(struct sketch *sketch)
{
	uint8_t *payload = sketch_chunk(sketch, HEAVY + 32, CHUNK_IN_USE);

	memset(payload, 'a', HEAVY);
	memcpy(payload, "key", 3);
}

static void add_match(struct sketch *sketch)
{
	sketch_text(sketch, CHUNK_IN_USE, "keyab\x01");
}

static void a_unit_ends_after_some_strikes(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	load(&rules, RUNAWAY HONEST);
	sketch_init(&sketch, 1 << 16);
	add_match(&sketch);
	for (int i = 0; i < 10; i++)
		add_bait(&sketch);
	add_match(&sketch);
	sketch_seal(&sketch);
	findings = scan(&rules, &sketch, 1);
	assert_int_equal(findings.rules.items[0].hits, 1);
	assert_int_equal(findings.rules.items[0].tally.strain, UNIT_STRIKES * CONFIRM_STRAIN);
	assert_int_equal(findings.rules.items[0].tally.tried, 1 + UNIT_STRIKES);
	assert_int_equal(findings.rules.items[0].tally.undecided, 11);
	assert_true(findings.rules.items[0].tally.given_up);
	assert_int_equal(findings.rules.items[1].hits, 12);
	assert_int_equal(findings.rules.items[1].tally.undecided, 0);
	assert_false(findings.rules.items[1].tally.given_up);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* A rule that never hits the match limit, but comes near it, is ended too: at ten times the places.
 * All that was tried is decided, and where no place is left over the rule is not given up. */
static void a_unit_ends_after_many_heavy_places(void **state)
{
	enum { MOST = 10 * UNIT_STRIKES };
	static const struct {
		size_t heavy, matches, hits, left;
	} cases[] = { { MOST - 1, 1, 1, 0 }, { MOST, 0, 0, 0 }, { MOST, 1, 0, 1 }, { MOST, 3, 0, 3 } };
	struct rule_text rules;

	(void)state;
	load(&rules, RUNAWAY HONEST);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sketch sketch;
		struct findings findings;
		const struct rule_tally *away;

		sketch_init(&sketch, 1 << 16);
		for (size_t j = 0; j < cases[i].heavy; j++)
			add_heavy(&sketch);
		for (size_t j = 0; j < cases[i].matches; j++)
			add_match(&sketch);
		sketch_seal(&sketch);
		findings = scan(&rules, &sketch, 1);
		away = &findings.rules.items[0].tally;
		assert_int_equal(away->strain, cases[i].heavy * CONFIRM_STRAIN / 10);
		assert_int_equal(away->tried, cases[i].heavy + cases[i].hits);
		assert_int_equal(away->undecided, cases[i].left);
		assert_int_equal(away->given_up, cases[i].left ? GIVEN_UP_STRIKES : 0);
		assert_int_equal(findings.rules.items[0].hits, cases[i].hits);
		assert_int_equal(findings.rules.items[1].hits, cases[i].heavy + cases[i].matches);
		findings_deinit(&findings);
		sketch_deinit(&sketch);
	}
	rule_text_deinit(&rules);
}

/* A place counts for the unit of its start, whose keyword may stand in another one. */
static void a_place_over_a_border_is_undecided_too(void **state)
{
	enum { UNIT = 256, BEFORE = 200 };
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	uint8_t *payload;

	(void)state;
	load(&rules, "- {id: away, title: T, keywords: [key], "
				 "pattern: 'S(?:[a-z]{1,100}){1,3}key-[a-z]{9}[\\x01\\x02]'}\n");
	sketch_init(&sketch, 1 << 12);
	payload = sketch_chunk(&sketch, 2 * UNIT, CHUNK_IN_USE);
	memset(payload, 'a', BEFORE + 120);
	memcpy(payload + 100, "S", 1);
	memcpy(payload + 100 + BEFORE, "key-", 4);
	sketch_seal(&sketch);
	findings = unit_run(&rules, &sketch, NULL, UNIT, unit_run_usual());
	assert_int_equal(findings.rules.items[0].tally.keywords, 1);
	assert_int_equal(findings.rules.items[0].tally.tried, 1);
	assert_int_equal(findings.rules.items[0].tally.undecided, 1);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* Starts inside of a match count for nothing, and that is known only where units are joined: they
 * must not use up what the match's own unit has left. The last match stands in the same unit. */
static void bait_inside_of_a_match_ends_no_rule(void **state)
{
	enum { UNIT = 4096, LONG = UNIT + 3000, STEP = 512 };
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	uint8_t *payload;

	(void)state;
	load(&rules, "- {id: away, title: T, keywords: [key], "
				 "pattern: '(?s)key(?:-.{6990}|(?:[a-z]{1,100}){1,3}[\\x01\\x02])'}\n");
	sketch_init(&sketch, 1 << 15);
	payload = sketch_chunk(&sketch, 4 * UNIT, CHUNK_IN_USE);
	memcpy(payload, "key-", 4);
	for (size_t at = UNIT; at + STEP <= LONG; at += STEP) {
		memset(payload + at, 'a', STEP - 1);
		memcpy(payload + at, "key", 3);
	}
	memcpy(payload + LONG, "keyab\x01", 6);
	sketch_seal(&sketch);
	findings = unit_run(&rules, &sketch, NULL, UNIT, unit_run_usual());
	assert_int_equal(findings.hits.count, 2);
	assert_int_equal(findings.hits.items[1].start, findings.hits.items[0].start + LONG);
	assert_int_equal(findings.rules.items[0].tally.undecided, 0);
	assert_int_equal(findings.rules.items[0].tally.given_up, 0);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* Units of the usual size, each with a match, some bait, and a match behind it. */
static void fill_units(struct sketch *sketch, size_t units, size_t bait)
{
	sketch_init(sketch, (units + 1) * UNIT_BYTES);
	for (size_t i = 0; i < units; i++) {
		add_match(sketch);
		for (size_t j = 0; j < bait; j++)
			add_bait(sketch);
		add_match(sketch);
		sketch_chunk(sketch, (i + 1) * UNIT_BYTES - sketch->used, CHUNK_IN_USE);
	}
}

static void check_same(const struct findings *a, const struct findings *b)
{
	assert_int_equal(a->hits.count, b->hits.count);
	for (size_t i = 0; i < a->hits.count; i++)
		assert_memory_equal(&a->hits.items[i].start, &b->hits.items[i].start, sizeof(vaddr));
	for (size_t i = 0; i < a->rules.count; i++) {
		struct rule_tally one = a->rules.items[i].tally, other = b->rules.items[i].tally;

		one.cpu_ns = other.cpu_ns = 0;
		assert_memory_equal(&one, &other, sizeof one);
	}
}

/* Bytes of a heap behind its first units. */
static uint64_t left_behind(const struct sketch *sketch, size_t units)
{
	return range_bytes(sketch->chunks.blocks.items[0].range) - units * UNIT_BYTES;
}

/* Which units are left over is decided in address order, whoever scans them and when. */
static void a_scan_ends_for_a_rule_at_the_same_unit_for_any_workers(void **state)
{
	enum { UNITS = 30, BAIT = 3 };
	const uint64_t strikes = JOIN_STRIKES + UNITS / 4, full = strikes / BAIT + 1;
	struct rule_text rules;
	struct sketch sketch;
	struct findings one;

	(void)state;
	load(&rules, RUNAWAY HONEST);
	fill_units(&sketch, UNITS, BAIT);
	sketch_seal(&sketch);
	one = scan(&rules, &sketch, 1);
	assert_int_equal(one.rules.items[0].tally.strain, full * BAIT * CONFIRM_STRAIN);
	assert_int_equal(one.rules.items[0].hits, full * 2);
	assert_int_equal(one.rules.items[0].tally.undecided, full * BAIT);
	assert_int_equal(one.rules.items[0].tally.unsearched, left_behind(&sketch, full));
	assert_true(one.rules.items[0].tally.given_up);
	assert_int_equal(one.rules.items[1].hits, UNITS * (BAIT + 2));
	for (unsigned workers = 2; workers <= 8; workers *= 2)
		for (int round = 0; round < 3; round++) {
			struct findings many = scan(&rules, &sketch, workers);

			check_same(&one, &many);
			findings_deinit(&many);
		}
	findings_deinit(&one);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* Its keyword stands everywhere, so that the scan soon stops to look for it. */
static void a_dense_keyword_is_the_same_for_any_workers(void **state)
{
	enum { UNITS = 40, BAIT = 4, FULL = (JOIN_STRIKES + UNITS / 4) / BAIT + 1 };
	enum { FIRST = 4096, STEP = 64 }; /* behind the bait */
	struct rule_text rules;
	struct sketch sketch;
	struct findings one;

	(void)state;
	load(&rules, RUNAWAY "- {id: honest, title: T, keywords: [wood], pattern: 'wood'}\n");
	fill_units(&sketch, UNITS, BAIT);
	for (size_t at = 0; at < sketch.used; at += STEP)
		if (at % UNIT_BYTES >= FIRST)
			memcpy(sketch.memory + at, "key key key wood", STEP / 4);
	sketch_seal(&sketch);
	one = scan(&rules, &sketch, 1);
	assert_int_equal(one.rules.items[0].tally.unsearched, left_behind(&sketch, FULL));
	assert_int_equal(one.rules.items[1].hits, UNITS * ((UNIT_BYTES - FIRST) / STEP));
	for (unsigned workers = 2; workers <= 8; workers *= 2) {
		struct findings many = scan(&rules, &sketch, workers);

		check_same(&one, &many);
		findings_deinit(&many);
	}
	findings_deinit(&one);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* A rule that meets odd text now and then is not given up. */
static void few_strikes_are_forgiven(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	load(&rules, RUNAWAY);
	fill_units(&sketch, 20, UNIT_STRIKES - 1);
	sketch_seal(&sketch);
	findings = scan(&rules, &sketch, 2);
	assert_int_equal(findings.rules.items[0].tally.strain, 60 * CONFIRM_STRAIN);
	assert_int_equal(findings.rules.items[0].tally.undecided, 60);
	assert_int_equal(findings.rules.items[0].hits, 40);
	assert_false(findings.rules.items[0].tally.given_up);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* Strikes in streams count on, by the streams' addresses: a heap of small ones has as many as there
 * are of them. */
static void strikes_in_streams_end_a_rule_too(void **state)
{
	enum { STREAMS = 600, BAIT = 3, WORDS = BAIT * 500 };
	struct strbuf text = { 0 }, packed = { 0 };
	struct rule_text rules;
	struct sketch sketch;
	struct findings one;

	(void)state;
	load(&rules, RUNAWAY HONEST GZIP);
	for (int i = 0; i < WORDS; i++)
		strbuf_puts(&text, i % (WORDS / BAIT) ? "a" : "key");
	packed_add(&packed, MATCH_GZIP, strbuf_span(&text));
	sketch_init(&sketch, 4 << 20);
	for (int i = 0; i < STREAMS; i++)
		sketch_bytes(&sketch, CHUNK_IN_USE, packed.data, packed.size);
	sketch_seal(&sketch);
	one = scan(&rules, &sketch, 1);
	assert_int_equal(one.rules.items[2].packed.streams, STREAMS);
	assert_int_equal(one.rules.items[0].tally.given_up, GIVEN_UP_STRIKES);
	assert_in_range(one.rules.items[0].tally.strain / CONFIRM_STRAIN, JOIN_STRIKES,
					JOIN_STRIKES + 128 * BAIT);
	assert_in_range(one.rules.items[0].tally.unsearched, 1, (STREAMS - 1) * text.size);
	assert_int_equal(one.rules.items[0].tally.undecided / BAIT +
						 one.rules.items[0].tally.unsearched / text.size,
					 STREAMS);
	assert_int_equal(one.rules.items[1].inside_hits, STREAMS * BAIT);
	for (unsigned workers = 2; workers <= 8; workers *= 4) {
		struct findings many = scan(&rules, &sketch, workers);

		check_same(&one, &many);
		findings_deinit(&many);
	}
	findings_deinit(&one);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
	strbuf_deinit(&packed);
	strbuf_deinit(&text);
}

/* It would be through with the words of this heap, but not with those of the next one. */
static void a_runaway_without_keywords_is_not_begun(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	load(&rules, "- {id: away, title: T, slow: true, pattern: "
				 "'(?:[a-z]{1,100}){1,3}[\\x01\\x02]', scan: {states: [in-use], size: 64..}}\n"
				 "- {id: text, title: T, slow: true, pattern: '[\\x20-\\x7e]{8,}'}\n");
	sketch_init(&sketch, 4096);
	sketch_text(&sketch, CHUNK_IN_USE, "abc");
	memset(sketch_chunk(&sketch, 80, CHUNK_IN_USE), ' ', 40);
	memset(sketch_chunk(&sketch, 96, CHUNK_BINNED), ' ', 40);
	memset(sketch_chunk(&sketch, 128, CHUNK_IN_USE), ' ', 40);
	sketch_seal(&sketch);
	findings = scan(&rules, &sketch, 1);
	assert_int_equal(findings.rules.items[0].hits, 0);
	assert_int_equal(findings.rules.items[0].tally.tried, 0);
	assert_int_equal(findings.rules.items[0].tally.undecided, 0);
	assert_int_equal(findings.rules.items[0].tally.unsearched, left_behind(&sketch, 0));
	assert_true(findings.rules.items[0].tally.given_up);
	assert_int_equal(findings.rules.items[1].hits, 3);
	assert_false(findings.rules.items[1].tally.given_up);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* Its keyword stands in a stream too, which is looked into when the heap is through. */
static void a_stream_is_not_searched_for_a_rule_given_up(void **state)
{
	enum { UNITS = 30, BAIT = 3 };
	const uint64_t full = (JOIN_STRIKES + UNITS / 4) / BAIT + 1;
	struct strbuf packed = { 0 };
	struct rule_text rules;
	struct sketch sketch;

	(void)state;
	load(&rules, RUNAWAY HONEST GZIP);
	packed_add(&packed, MATCH_GZIP, span_make("keyab\x01-keyab\x01", 13));
	for (int streams = 0; streams < 2; streams++) {
		struct findings findings;
		const struct finding_rule *away;

		fill_units(&sketch, UNITS, BAIT);
		if (streams)
			sketch_bytes(&sketch, CHUNK_IN_USE, packed.data, packed.size);
		sketch_seal(&sketch);
		findings = scan(&rules, &sketch, 2);
		away = &findings.rules.items[0];
		assert_int_equal(away->hits, full * 2);
		assert_int_equal(away->tally.undecided, full * BAIT);
		assert_int_equal(away->tally.unsearched, left_behind(&sketch, full) + (streams ? 13 : 0));
		assert_int_equal(findings.inside.count, streams);
		if (streams)
			assert_int_equal(findings.inside.items[0].hits, 2);
		findings_deinit(&findings);
		sketch_deinit(&sketch);
	}
	strbuf_deinit(&packed);
	rule_text_deinit(&rules);
}

static int64_t process_cpu_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Bytes that deflate to about half. */
static void add_letters(struct strbuf *out, size_t size)
{
	for (uint32_t state = 1; out->size < size;) {
		state = state * 1664525 + 1013904223;
		strbuf_putc(out, (char)('a' + (state >> 28)));
	}
}

/* The first attempt of a worker is always timed. One slow run of a validator is no measure of the
 * others: it is charged once, by its work, and not for hundreds. What the pattern takes beside it
 * still is; that is little, but more than at other times, as everything is touched first. */
static void a_slow_validator_is_charged_what_it_took(void **state)
{
	enum { FEW = 16 };
	struct strbuf text = { 0 }, packed = { 0 };
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	int64_t before;

	(void)state;
	load(&rules, GZIP);
	add_letters(&text, 2 << 20);
	packed_add(&packed, MATCH_GZIP, strbuf_span(&text));
	sketch_init(&sketch, 4 << 20);
	sketch_bytes(&sketch, CHUNK_IN_USE, packed.data, packed.size);
	sketch_seal(&sketch);
	before = process_cpu_ns();
	findings = scan(&rules, &sketch, 1);
	assert_int_equal(findings.rules.items[0].hits, 1);
	assert_true(findings.rules.items[0].tally.cpu_ns > 0);
	assert_true(findings.rules.items[0].tally.cpu_ns / FEW < (uint64_t)(process_cpu_ns() - before));
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
	strbuf_deinit(&packed);
	strbuf_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_ends_after_some_strikes),
		cmocka_unit_test(a_unit_ends_after_many_heavy_places),
		cmocka_unit_test(a_place_over_a_border_is_undecided_too),
		cmocka_unit_test(bait_inside_of_a_match_ends_no_rule),
		cmocka_unit_test(a_scan_ends_for_a_rule_at_the_same_unit_for_any_workers),
		cmocka_unit_test(a_dense_keyword_is_the_same_for_any_workers),
		cmocka_unit_test(few_strikes_are_forgiven),
		cmocka_unit_test(strikes_in_streams_end_a_rule_too),
		cmocka_unit_test(a_runaway_without_keywords_is_not_begun),
		cmocka_unit_test(a_stream_is_not_searched_for_a_rule_given_up),
		cmocka_unit_test(a_slow_validator_is_charged_what_it_took),
	};

	return cmocka_run_group_tests_name("runaway", tests, NULL, NULL);
}
