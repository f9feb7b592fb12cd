/* What `rules check` does with a loaded set. */
#include "analyze/content/byte_set.h"
#include "analyze/content/pattern.h"
#include "analyze/content/rule.h"
#include "analyze/content/rule_schema.h"
#include "analyze/content/rule_tree.h"
#include "analyze/content/rule_set.h"
#include "analyze/content/samples.h"
#include "analyze/content/stress.h"

static void check_tests(const struct rule *rule, struct rule_sink *sink)
{
	size_t wanting = 0;

	for (size_t i = 0; i < rule->tests.count; i++)
		wanting += rule->tests.items[i].wants_match;
	if (!wanting)
		rule_message_add(sink, rule->place, "R051", "no test that expects a match");
	if (wanting == rule->tests.count)
		rule_message_add(sink, rule->place, "R052", "no test with expect: none");
}

/* Bytes a match can start with; a rule without keywords tries the pattern at each. */
static void check_search(const struct rule *rule, struct rule_sink *sink)
{
	enum { FEW_STARTS = 4 };
	unsigned starts;

	if (!rule->confirm)
		return;
	if (rule->keywords.count && !rule->coverage_known)
		rule_message_add(sink, rule->keywords.items[0].place, "W062",
						 "cannot tell whether every branch contains a keyword; the tests decide");
	starts = byte_set_count(confirm_first_bytes(rule->confirm));
	if (!rule->keywords.count && rule->scan.anchor == RULE_ANCHOR_ANY && starts > FEW_STARTS)
		rule_message_add(sink, rule->source->place, "W061",
						 "scans every byte: no keyword, and a match can start with any of %u bytes",
						 starts);
}

static void check_cost(const struct rule *rule, struct rule_sink *sink)
{
	struct schema schema = { sink, sink->pool };
	struct stress_result result = stress_run(rule);
	struct pattern pattern;
	struct span suspect;
	struct rule_place place;
	const char *see = "";

	if (!result.slow)
		return;
	pattern = pattern_read(rule->pattern, sink->pool);
	suspect = pattern_suspect(&pattern);
	place =
		tree_place_of(rule->source, suspect.size ? (size_t)(suspect.data - rule->pattern.data) : 0);
	if (suspect.size)
		see = pool_printf(sink->pool, "; see %s", schema_quote(&schema, suspect));
	if (result.undecided)
		rule_message_add(sink, place, "R060", "the match limit is hit on %s%s", result.buffer, see);
	else
		rule_message_add(sink, place, "R060", "%.1f ms on %s; limit %.0f ms%s",
						 (double)result.ns / 1e6, result.buffer, (double)STRESS_LIMIT_NS / 1e6,
						 see);
}

void rule_set_check(struct rule_set *set, rule_messages *messages)
{
	struct rule_sink sink = { messages, &set->pool, NULL, 0 };
	struct samples_count count = { 0 };

	for (uint32_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];
		struct err err = { 0 };

		sink.rule = rule->id;
		check_tests(rule, &sink);
		check_search(rule, &sink);
		check_cost(rule, &sink);
		if (!samples_run(set, i, &sink, &count, &err))
			rule_message_add(&sink, rule->place, "R050", "its tests cannot run: %s", err.what);
	}
	rule_messages_sort(messages);
}
