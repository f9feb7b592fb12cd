/* Chunks of many units: matches that reach from one unit into the next ones are those of one piece,
 * and no start is tried again and again. */
#include "tests/unit/unit.h"

#include "analyze/content/runs.h"
#include "analyze/rules/rule.h"
#include "tests/support/plain_search.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <stdlib.h>
#include <string.h>

/* By keywords and by bytes, short and long, with a lookbehind, with keys, and all of a chunk. */
static const char zoo[] =
	"- {id: two, title: T, keywords: [abb], pattern: 'abb.?'}\n"
	"- {id: long, title: T, keywords: [caa], pattern: 'caa[^x]{0,900}+x?'}\n"
	"- {id: bytes, title: T, slow: true, pattern: 'x[a-d]{1,700}'}\n"
	"- {id: more, title: T, slow: true, pattern: 'x[abx]{0,40}'}\n"
	"- {id: behind, title: T, keywords: [cdd], pattern: '(?<=[ab])(?<k>c)dd.{0,99}', aggregate: "
	"{by: "
	"k}, "
	"redact: show}\n"
	"- {id: whole, title: T, keywords: [bca], pattern: 'bca', extent: chunk}\n";

static void fill(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t) "aabbcdxddc"[rand() % 10];
}

static void sketch_large(struct sketch *sketch)
{
	sketch_init(sketch, 200000);
	fill(sketch_chunk(sketch, 64, CHUNK_IN_USE), 48);
	fill(sketch_chunk(sketch, 60000, CHUNK_IN_USE), 59984);
	fill(sketch_chunk(sketch, 320, CHUNK_BINNED), 304);
	fill(sketch_chunk(sketch, 90000, CHUNK_MMAPPED), 89984);
	sketch_seal(sketch);
}

static void check_rule(const struct findings *findings, const struct rule_text *rules,
					   uint32_t rule, const struct sketch *sketch)
{
	plain_hits wanted = plain_search(&rules->set->rules.items[rule], sketch, NULL);
	size_t count = 0;

	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];

		if (hit->rule != rule)
			continue;
		assert_true(count < wanted.count);
		assert_int_equal(hit->start, wanted.items[count].at);
		assert_int_equal(hit->bytes, wanted.items[count].bytes);
		count++;
	}
	assert_int_equal(count, wanted.count);
	vec_deinit(&wanted);
}

/* Also what is counted: a unit that is searched again counts once. */
static void matches_are_those_of_one_piece(void **state)
{
	static const uint64_t units[] = { 97, 1000, 4096, 30000 };
	struct rule_text rules;

	(void)state;
	rule_text_load_sound(&rules, zoo);
	srand(31);
	for (size_t round = 0; round < 8; round++) {
		struct sketch sketch;
		struct findings one, many;

		sketch_large(&sketch);
		one = unit_run(&rules, &sketch, NULL, 1 << 20, unit_run_usual());
		many = unit_run(&rules, &sketch, NULL, units[round % 4], unit_run_usual());
		for (uint32_t i = 0; i < rules.set->rules.count; i++) {
			check_rule(&many, &rules, i, &sketch);
			assert_int_equal(many.rules.items[i].hits, one.rules.items[i].hits);
			assert_int_equal(many.rules.items[i].tally.keywords, one.rules.items[i].tally.keywords);
			assert_int_equal(many.rules.items[i].tally.places, one.rules.items[i].tally.places);
		}
		assert_int_equal(many.groups.count, one.groups.count);
		findings_deinit(&one);
		findings_deinit(&many);
		sketch_deinit(&sketch);
	}
	rule_text_deinit(&rules);
}

/* Back to back records, each of which starts a chain: the chain is walked from its first start in a
 * unit, not from each. */
static void starts_in_a_match_are_not_tried(void **state)
{
	enum { RECORD = 5 + 43, UNITS = 6, BYTES = UNITS * UNIT_BYTES / RECORD * RECORD };
	struct rule_text rules;
	struct sketch sketch;
	struct findings one;
	uint8_t *bytes;
	uint64_t hit_bytes = 0;

	(void)state;
	rule_text_load_sound(&rules,
						 "- {id: tls, title: T, keywords: [{hex: '17 03 03'}], pattern: "
						 "'\\x17\\x03\\x03', validate: [tls_records], extent: validator}\n");
	sketch_init(&sketch, BYTES + UNIT_BYTES);
	bytes = sketch_chunk(&sketch, BYTES + 64, CHUNK_MMAPPED);
	for (size_t i = 0; i < BYTES; i += RECORD)
		memcpy(bytes + i, "\x17\x03\x03\0\x2b", 5);
	sketch_seal(&sketch);
	one = unit_run_whole(&rules, &sketch, NULL, 1);
	for (size_t i = 0; i < one.hits.count; i++)
		hit_bytes += one.hits.items[i].bytes;
	/* what is left behind the last chain may be one record, which is none */
	assert_in_range(hit_bytes, BYTES - RECORD, BYTES);
	assert_int_equal(one.hits.count, BYTES / (4 << 20));
	assert_int_equal(one.rules.items[0].tally.undecided, 0);
	assert_in_range(one.rules.items[0].tally.tried, UNITS, 4 * UNITS);
	for (unsigned workers = 2; workers <= 8; workers *= 4) {
		struct findings many = unit_run_whole(&rules, &sketch, NULL, workers);

		assert_int_equal(many.hits.count, one.hits.count);
		assert_int_equal(many.rules.items[0].tally.tried, one.rules.items[0].tally.tried);
		findings_deinit(&many);
	}
	findings_deinit(&one);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_are_those_of_one_piece),
		cmocka_unit_test(starts_in_a_match_are_not_tried),
	};

	return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
