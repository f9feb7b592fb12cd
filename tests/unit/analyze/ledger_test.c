#include "tests/unit/unit.h"

#include "analyze/attribute/ledger.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 0x1000 };

static uint32_t add_rule(struct findings *findings, const char *id, int priority)
{
	*vec_add(&findings->rules) = (struct finding_rule){
		.id = id, .title = id, .description = "", .remediation = "do it", .priority = priority
	};
	return (uint32_t)findings->rules.count - 1;
}

static struct hit *add_hit(struct findings *findings, uint32_t rule, vaddr start, uint64_t bytes,
						   bool live)
{
	struct hit *hit = vec_add(&findings->hits);

	*hit = (struct hit){ .start = start,
						 .bytes = bytes,
						 .chunk = start & ~(vaddr)(CHUNK - 1),
						 .chunk_bytes = CHUNK,
						 .rule = rule,
						 .group = HIT_NO_GROUP,
						 .live = live };
	return hit;
}

static void no_byte_is_attributed_twice(void **state)
{
	struct findings findings = { 0 };
	struct ledger ledger;
	uint32_t low = add_rule(&findings, "a.low", 1), high = add_rule(&findings, "a.high", 9);

	(void)state;
	add_hit(&findings, low, 0x1000, 100, true);
	add_hit(&findings, high, 0x1020, 16, true); /* inside: takes its bytes */
	add_hit(&findings, low, 0x1050, 100, true); /* overlaps the first one by 20 */
	ledger_init(&ledger, &findings);
	assert_int_equal(ledger.rules[high].live.bytes, 16);
	assert_int_equal(ledger.rules[low].live.bytes, 180 - 16);
	assert_int_equal(ledger.rules[low].live.hits, 2);
	assert_int_equal(ledger.rules[low].live.chunks, 1);
	ledger_deinit(&ledger);
	findings_deinit(&findings);
}

static void the_order_is_priority_length_address_id(void **state)
{
	struct findings findings = { 0 };
	struct hit hits[5];

	(void)state;
	add_rule(&findings, "b", 1);
	add_rule(&findings, "a", 1);
	add_rule(&findings, "c", 2);
	hits[0] = (struct hit){ .start = 20, .bytes = 1, .rule = 2 };
	hits[1] = (struct hit){ .start = 20, .bytes = 9, .rule = 0 };
	hits[2] = (struct hit){ .start = 10, .bytes = 5, .rule = 0 };
	hits[3] = (struct hit){ .start = 11, .bytes = 5, .rule = 1 };
	hits[4] = (struct hit){ .start = 11, .bytes = 5, .rule = 0 };
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++)
			assert_int_equal(ledger_precedes(&findings, &hits[i], &hits[j]), i < j);
	findings_deinit(&findings);
}

static void live_stale_and_groups_are_kept_apart(void **state)
{
	struct findings findings = { 0 };
	struct report_content content = { 0 };
	struct pool pool = { 0 };
	struct ledger ledger;
	uint32_t rule = add_rule(&findings, "a.rule", 1);

	(void)state;
	*vec_add(&findings.groups) = (struct finding_group){ rule, "small" };
	*vec_add(&findings.groups) = (struct finding_group){ rule, "big" };
	add_hit(&findings, rule, 0x1010, 10, true)->group = 0;
	add_hit(&findings, rule, 0x2010, 30, true)->group = 1;
	add_hit(&findings, rule, 0x3010, 50, false)->group = 1;
	add_hit(&findings, rule, 0x4010, 70, false)->chunk = 0; /* outside the heap */
	add_hit(&findings, rule, 0x5010, 5, true)->claimed = true;
	ledger_init(&ledger, &findings);
	ledger_report(&ledger, &findings, &pool, &content);
	assert_int_equal(content.rules.items[0].more_groups, 0);
	assert_int_equal(content.rules.count, 1);
	assert_int_equal(content.rules.items[0].live.bytes, 45);
	assert_int_equal(content.rules.items[0].live.hits, 2);
	assert_int_equal(content.rules.items[0].live.chunks, 3);
	assert_int_equal(content.rules.items[0].stale.bytes, 50);
	assert_int_equal(content.rules.items[0].groups.count, 2);
	assert_string_equal(content.rules.items[0].groups.items[0].key, "big");
	assert_int_equal(content.rules.items[0].groups.items[0].bytes, 80);
	assert_int_equal(content.rules.items[0].groups.items[0].live_bytes, 30);
	vec_deinit(&content.rules.items[0].groups);
	content.rules.count = 0;
	findings.rules.items[0].top = 1;
	ledger_report(&ledger, &findings, &pool, &content);
	assert_int_equal(content.rules.items[0].groups.count, 1);
	assert_int_equal(content.rules.items[0].more_groups, 1);
	vec_deinit(&content.rules.items[0].groups);
	vec_deinit(&content.rules);
	pool_deinit(&pool);
	ledger_deinit(&ledger);
	findings_deinit(&findings);
}

static void rules_without_hits_are_listed_for_their_stats(void **state)
{
	(void)state;
	for (int has_stats = 0; has_stats < 2; has_stats++) {
		struct findings findings = { 0 };
		struct report_content content = { .has_stats = has_stats };
		struct pool pool = { 0 };
		struct ledger ledger;

		add_hit(&findings, add_rule(&findings, "b.hit", 1), 0x1010, 10, true);
		add_rule(&findings, "d.quiet", 1);
		add_rule(&findings, "c.quiet", 1);
		add_rule(&findings, "a.open", 1);
		add_rule(&findings, "a.unsearched", 1);
		findings.rules.items[2].tally = (struct rule_tally){ .tried = 7, .cpu_ns = 5 };
		findings.rules.items[3].tally =
			(struct rule_tally){ .undecided = 3, .given_up = GIVEN_UP_STRIKES };
		findings.rules.items[4].tally =
			(struct rule_tally){ .unsearched = 7, .given_up = GIVEN_UP_STRIKES };
		ledger_init(&ledger, &findings);
		ledger_report(&ledger, &findings, &pool, &content);
		assert_int_equal(content.rules.count, 3);
		assert_string_equal(content.rules.items[1].id, "a.open");
		assert_true(content.rules.items[1].slow);
		assert_string_equal(content.rules.items[2].id, "a.unsearched");
		assert_int_equal(content.rules.items[2].unsearched_bytes, 7);
		assert_int_equal(content.quiet.count, has_stats ? 2 : 0);
		if (has_stats) {
			assert_string_equal(content.quiet.items[0].id, "c.quiet");
			assert_int_equal(content.quiet.items[0].stats.confirms, 7);
			assert_int_equal(content.quiet.items[0].stats.cpu_ns, 5);
		}
		vec_deinit(&content.rules);
		vec_deinit(&content.quiet);
		pool_deinit(&pool);
		ledger_deinit(&ledger);
		findings_deinit(&findings);
	}
}

static int compare_hits(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* The sweep against the definition: for each byte, the hit that precedes all others over it. */
static void check_against_definition(const struct findings *findings, const struct ledger *ledger)
{
	uint64_t bytes[8] = { 0 };

	for (vaddr at = CHUNK; at < 2 * CHUNK; at++) {
		const struct hit *best = NULL;

		for (size_t i = 0; i < findings->hits.count; i++) {
			const struct hit *hit = &findings->hits.items[i];

			if (at >= hit->start && at < hit->start + hit->bytes &&
				(!best || ledger_precedes(findings, hit, best)))
				best = hit;
		}
		if (best)
			bytes[best->rule]++;
	}
	for (size_t i = 0; i < findings->rules.count; i++)
		assert_int_equal(ledger->rules[i].live.bytes, bytes[i]);
}

static void random_overlaps_follow_the_definition(void **state)
{
	static const char *const ids[] = { "r.a", "r.b", "r.c", "r.d", "r.e" };

	(void)state;
	srand(11);
	for (int round = 0; round < 200; round++) {
		struct findings findings = { 0 };
		struct ledger ledger;

		for (size_t i = 0; i < 5; i++)
			add_rule(&findings, ids[i], rand() % 3);
		for (int i = rand() % 60; i >= 0; i--) {
			vaddr start = CHUNK + (vaddr)(rand() % 3000);

			add_hit(&findings, (uint32_t)(rand() % 5), start, (uint64_t)(rand() % 1000), true);
		}
		vec_sort(&findings.hits, compare_hits);
		ledger_init(&ledger, &findings);
		check_against_definition(&findings, &ledger);
		ledger_deinit(&ledger);
		findings_deinit(&findings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_is_attributed_twice),
		cmocka_unit_test(the_order_is_priority_length_address_id),
		cmocka_unit_test(live_stale_and_groups_are_kept_apart),
		cmocka_unit_test(rules_without_hits_are_listed_for_their_stats),
		cmocka_unit_test(random_overlaps_follow_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
