/* What a scan finds does not depend on how the heap is cut into units, nor on who scans them. */
#include "tests/unit/unit.h"

#include "analyze/rules/rule.h"
#include "tests/support/plain_search.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <stdlib.h>
#include <string.h>

#define EVENT                                                                                     \
	"- id: event\n  title: T\n  keywords: ['42[\"']\n  pattern: '42\\[\"(?<event>[^\"]+)\"\\]'\n" \
	"  aggregate: {by: event, max_keys: 3}\n"

/* Rules of every kind of search: keyword at the start, inside, with a lookbehind, far from the
 * start, none at all; overlapping matches on purpose. */
static const char zoo[] =
	"- {id: start, title: T, keywords: [abc], pattern: 'abc[a-d]{0,40}x'}\n"
	"- {id: inside, title: T, keywords: [bcd], pattern: '(?<![x])a{1,3}bcd+(?<k>.)?', aggregate: "
	"{by: k}, redact: show}\n"
	"- {id: far, title: T, keywords: [xab], pattern: 'd[a-cx]*xab', scan: {max_length: 300}}\n"
	"- {id: two, title: T, keywords: [aab, dda], pattern: '(?s)(?:aab.{0,9}c|dd(?<=d)a{1,4}b)'}\n"
	"- {id: none, title: T, slow: true, pattern: 'xd+[ab]{2,30}'}\n"
	"- {id: whole, title: T, keywords: [cab], pattern: 'cab', extent: chunk}\n"
	"- {id: first, title: T, keywords: [bbb], pattern: 'bbb+', scan: {anchor: chunk-start}}\n"
	"- {id: free, title: T, keywords: [ccc], pattern: 'c{3,5}', scan: {states: [free], size: "
	"100..5000}}\n";

static void fill_heap(struct sketch *sketch, size_t size)
{
	static const enum chunk_state states[] = { CHUNK_IN_USE,  CHUNK_IN_USE, CHUNK_MMAPPED,
											   CHUNK_BINNED,  CHUNK_TCACHE, CHUNK_FASTBIN,
											   CHUNK_OVERHEAD };

	sketch_init(sketch, size);
	while (size - sketch->used > 100000) {
		size_t bytes = 32 + (size_t)rand() % (rand() % 20 ? 300 : 90000);
		uint8_t *payload = sketch_chunk(sketch, bytes / 16 * 16, states[rand() % 7]);
		bool zero = rand() % 8 == 0; /* zero blocks are stepped over */

		for (size_t i = 0; !zero && i < bytes / 16 * 16 - 16; i++)
			payload[i] = (uint8_t) "abcdx"[rand() % 5];
	}
	sketch_seal(sketch);
}

typedef VEC(struct hit) wanted_hits;

static int compare_hits(const void *left, const void *right)
{
	const struct hit *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

/* Start, bytes and rule of what plain PCRE2 finds, in the order of findings. */
static wanted_hits scan_plainly(const struct rule_text *rules, const struct sketch *sketch)
{
	wanted_hits wanted = { 0 };

	for (uint32_t i = 0; i < rules->set->rules.count; i++) {
		plain_hits hits = plain_search(&rules->set->rules.items[i], sketch, NULL);

		for (size_t j = 0; j < hits.count; j++)
			*vec_add(&wanted) =
				(struct hit){ .start = hits.items[j].at, .bytes = hits.items[j].bytes, .rule = i };
		vec_deinit(&hits);
	}
	vec_sort(&wanted, compare_hits);
	return wanted;
}

static void check_same(const struct findings *got, const wanted_hits *wanted)
{
	assert_int_equal(got->hits.count, wanted->count);
	for (size_t i = 0; i < got->hits.count; i++) {
		assert_int_equal(got->hits.items[i].start, wanted->items[i].start);
		assert_int_equal(got->hits.items[i].bytes, wanted->items[i].bytes);
		assert_int_equal(got->hits.items[i].rule, wanted->items[i].rule);
	}
}

/* The same heap cut into units of a given size, so that borders fall everywhere. */
static struct findings scan_in_units(const struct rule_text *rules, const struct sketch *sketch,
									 uint64_t unit_bytes)
{
	return unit_run(rules, sketch, NULL, unit_bytes, unit_run_usual());
}

static void random_heaps_agree_with_plain_pcre2(void **state)
{
	static const uint64_t units[] = { 61, 4096, 10000, 65536, 1 << 20 };
	struct rule_text rules;

	(void)state;
	rule_text_load_sound(&rules, zoo);
	srand(21);
	for (int round = 0; round < 4; round++) {
		struct sketch sketch;
		wanted_hits wanted;
		struct findings findings;

		fill_heap(&sketch, 400000);
		wanted = scan_plainly(&rules, &sketch);
		if (wanted.count < 1000)
			fail_msg("%zu hits", wanted.count);
		for (size_t i = round ? 1 : 0; i < sizeof units / sizeof *units; i++) {
			findings = scan_in_units(&rules, &sketch, units[i]);
			check_same(&findings, &wanted);
			findings_deinit(&findings);
		}
		findings = unit_run_whole(&rules, &sketch, NULL, 2);
		check_same(&findings, &wanted);
		findings_deinit(&findings);
		vec_deinit(&wanted);
		sketch_deinit(&sketch);
	}
	rule_text_deinit(&rules);
}

static void any_number_of_workers_finds_the_same(void **state)
{
	static const unsigned counts[] = { 2, 8 };
	struct rule_text rules;
	struct sketch sketch;
	struct findings one;

	(void)state;
	rule_text_load_sound(&rules, zoo);
	srand(22);
	fill_heap(&sketch, 9 << 20);
	one = unit_run_whole(&rules, &sketch, NULL, 1);
	assert_true(one.groups.count > 1);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct findings many = unit_run_whole(&rules, &sketch, NULL, counts[i]);

		assert_int_equal(many.hits.count, one.hits.count);
		for (size_t j = 0; j < one.hits.count; j++) {
			assert_int_equal(many.hits.items[j].start, one.hits.items[j].start);
			assert_int_equal(many.hits.items[j].bytes, one.hits.items[j].bytes);
			assert_int_equal(many.hits.items[j].group, one.hits.items[j].group);
		}
		assert_int_equal(many.groups.count, one.groups.count);
		for (size_t j = 0; j < one.groups.count; j++)
			assert_string_equal(many.groups.items[j].key, one.groups.items[j].key);
		findings_deinit(&many);
	}
	findings_deinit(&one);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* A match on every place around a unit's border is found once. */
static void unit_borders_neither_lose_nor_double(void **state)
{
	struct rule_text rules;

	(void)state;
	rule_text_load_sound(&rules, EVENT);
	for (size_t at = 4096 - 24; at < 4096 + 8; at++) {
		struct sketch sketch;
		struct findings findings;
		uint8_t *payload;

		sketch_init(&sketch, 16384);
		payload = sketch_chunk(&sketch, 12288, CHUNK_IN_USE);
		memset(payload, '.', 12000);
		memcpy(payload - 16 + at, "42[\"event\"]", 11);
		sketch_seal(&sketch);
		findings = scan_in_units(&rules, &sketch, 4096);
		assert_int_equal(findings.hits.count, 1);
		assert_int_equal(findings.hits.items[0].start, SKETCH_START + at);
		assert_int_equal(findings.hits.items[0].bytes, 11);
		findings_deinit(&findings);
		sketch_deinit(&sketch);
	}
	rule_text_deinit(&rules);
}

/* Across a border three matches overlap: the first one wins, the second is dropped, and the third,
 * which starts inside the second, must not be lost with it. */
static void overlaps_across_borders_are_decided_as_in_one_piece(void **state)
{
	struct rule_text rules;

	(void)state;
	rule_text_load_sound(&rules, "- {id: a, title: T, keywords: [aXY], pattern: '(?s)aXY.{7}'}\n");
	for (size_t at = 4096 - 16; at < 4096 + 4; at++) {
		struct sketch sketch;
		struct findings findings;
		uint8_t *memory;

		sketch_init(&sketch, 16384);
		memory = sketch_chunk(&sketch, 12288, CHUNK_IN_USE) - 16;
		memcpy(memory + at, "aXY", 3);
		memcpy(memory + at + 7, "aXY", 3);
		memcpy(memory + at + 11, "aXY", 3);
		sketch_seal(&sketch);
		findings = scan_in_units(&rules, &sketch, 4096);
		assert_int_equal(findings.hits.count, 2);
		assert_int_equal(findings.hits.items[0].start, SKETCH_START + at);
		assert_int_equal(findings.hits.items[1].start, SKETCH_START + at + 11);
		findings_deinit(&findings);
		sketch_deinit(&sketch);
	}
	rule_text_deinit(&rules);
}

/* Zero blocks are stepped over, but not the zeros of a keyword that reaches into one. */
static void keywords_may_reach_into_zero_blocks(void **state)
{
	static const char bytes[] = "\0\0\0\x8a\x8b\0\0\0";
	struct rule_text rules;

	(void)state;
	rule_text_load_sound(
		&rules, "- {id: a, title: T, keywords: [{hex: 00 00 00 8a}], pattern: '\\x00{3}\\x8a'}\n"
				"- {id: b, title: T, keywords: [{hex: 8b 00 00 00}], pattern: '\\x8b\\x00{3}'}\n");
	for (size_t at = 8192 - 8; at < 8192 + 2; at++) {
		struct sketch sketch;
		struct findings findings;
		uint8_t *memory;

		sketch_init(&sketch, 1 << 16);
		memory = sketch_chunk(&sketch, 60000 / 16 * 16, CHUNK_IN_USE) - 16;
		memcpy(memory + at, bytes, sizeof bytes - 1);
		sketch_seal(&sketch);
		findings = scan_in_units(&rules, &sketch, 1 << 20);
		assert_int_equal(findings.hits.count, 2);
		findings_deinit(&findings);
		sketch_deinit(&sketch);
	}
	rule_text_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_heaps_agree_with_plain_pcre2),
		cmocka_unit_test(any_number_of_workers_finds_the_same),
		cmocka_unit_test(unit_borders_neither_lose_nor_double),
		cmocka_unit_test(overlaps_across_borders_are_decided_as_in_one_piece),
		cmocka_unit_test(keywords_may_reach_into_zero_blocks),
	};

	return cmocka_run_group_tests_name("scan_units", tests, NULL, NULL);
}
