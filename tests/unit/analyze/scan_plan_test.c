#include "tests/unit/unit.h"

#include "analyze/content/attempt.h"
#include "analyze/content/scan_plan.h"
#include "tests/support/rule_text.h"

#include <string.h>

#define START "pattern: 'a', scan: {anchor: chunk-start"
#define WORDS "structure: [{at: 0, type: u32, in: 7..8}], scan: {anchor: any"

static const char rules_text[] =
	"- {id: a, title: T, " START ", size: 48..64}}\n"
	"- {id: b, title: T, " START ", states: [free], size: 17000..}}\n"
	"- {id: c, title: T, " WORDS ", states: [in-use], size: 16384}}\n"
	"- {id: d, title: T, " WORDS "}}\n"
	"- {id: e, title: T, " START ", size: ..4G}}\n"
	"- {id: f, title: T, " START ", size: 65..80}}\n"
	"- {id: keyword, title: T, keywords: [abcd], pattern: 'x{0,9}abcd'}\n"
	"- {id: byte, title: T, slow: true, pattern: '='}\n"
	"- {id: same, title: T, slow: true, pattern: '=b'}\n"
	"- {id: more, title: T, slow: true, pattern: '[=b]'}\n"
	"- {id: other, title: T, " START "}}\n";

static void load(struct rule_text *rules, struct scan_plan *plan, bool brute)
{
	bool applies[11];

	memset(applies, true, sizeof applies);
	applies[10] = false;
	rule_text_load_sound(rules, rules_text);
	scan_plan_init(plan, rules->set, applies, brute, 8);
}

static void rules_are_sorted_by_how_they_are_found(void **state)
{
	struct rule_text rules;
	struct scan_plan plan;

	(void)state;
	load(&rules, &plan, false);
	assert_int_equal(plan.by_chunk.count, 6);
	assert_null(plan.by_chunk.items[2].first);
	assert_non_null(plan.by_chunk.items[0].first);
	assert_int_equal(plan.by_byte.count, 2);
	assert_int_equal(plan.by_byte.items[0].only, '=');
	assert_int_equal(plan.by_byte.items[0].rules.count, 2);
	assert_int_equal(plan.by_byte.items[0].rules.items[1], 8);
	assert_int_equal(plan.by_byte.items[1].only, -1);
	assert_int_equal(plan.reach, 9 + 4);
	scan_plan_deinit(&plan);
	rule_text_deinit(&rules);
	load(&rules, &plan, true);
	assert_int_equal(plan.by_byte.count, 3);
	scan_plan_deinit(&plan);
	rule_text_deinit(&rules);
}

static bool lists(const struct scan_plan *plan, const struct chunk *chunk, uint32_t rule)
{
	struct chunk_rules found = scan_plan_find(plan, chunk);

	for (size_t i = 0; i < found.count; i++)
		if (plan->by_chunk.items[found.items[i]].rule == rule)
			return true;
	return false;
}

/* Around every border of a rule's sizes and of the plan's classes. */
static void no_chunk_is_kept_from_a_rule(void **state)
{
	static const uint64_t borders[] = { 32,    48,      64,       80,      16368,
										16384, 16400,   17000,    32768,   UINT64_C(1) << 32,
										65536, 1 << 20, 33 << 20, 1 << 30, UINT64_C(1) << 40 };
	struct rule_text rules;
	struct scan_plan plan;
	size_t listed = 0, wanted = 0;

	(void)state;
	load(&rules, &plan, false);
	for (size_t i = 0; i < sizeof borders / sizeof *borders; i++)
		for (uint64_t size = borders[i] - 17; size <= borders[i] + 17; size++)
			for (size_t number = 0; number < CHUNK_STATES * plan.by_chunk.count; number++) {
				uint32_t rule = plan.by_chunk.items[number / CHUNK_STATES].rule;
				struct chunk chunk = { .bytes = size, .state = number % CHUNK_STATES };
				bool wants = attempt_wants(&rules.set->rules.items[rule], &chunk);

				wanted += wants;
				listed += lists(&plan, &chunk, rule);
				assert_true(!wants || lists(&plan, &chunk, rule));
			}
	assert_true(listed < wanted * 3 / 2);
	scan_plan_deinit(&plan);
	rule_text_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_sorted_by_how_they_are_found),
		cmocka_unit_test(no_chunk_is_kept_from_a_rule),
	};

	return cmocka_run_group_tests_name("scan_plan", tests, NULL, NULL);
}
