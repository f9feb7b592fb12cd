#include "analyze/content/unit_scan.h"

#include "analyze/content/byte_pass.h"
#include "analyze/content/chunk_pass.h"
#include "analyze/content/keyword_pass.h"
#include "analyze/content/unit_worker.h"
#include "base/mem.h"

#include <stdlib.h>

void unit_result_deinit(struct unit_result *result)
{
	vec_deinit(&result->hits);
	vec_deinit(&result->claims);
	span_index_deinit(&result->keys);
}

void unit_tables_init(struct unit_tables *tables)
{
	const struct rule_set *set = tables->rules;

	tables->reach = 0;
	for (size_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];

		if (tables->applies[i] && rule->keywords.count && rule->lead_max > tables->reach)
			tables->reach = rule->lead_max;
	}
	tables->reach += prefilter_longest(set->prefilter);
}

static int compare_hits(const void *left, const void *right)
{
	const struct raw_hit *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static bool by_chunk(const struct rule *rule)
{
	return !rule->confirm ||
		   (!rule->keywords.count && rule->scan.anchor == RULE_ANCHOR_CHUNK_START);
}

/* All rules that do without the prefilter, or all rules where it is switched off. */
static void pass_others(struct unit_worker *worker)
{
	const struct rule_set *set = worker->shared->rules;
	uint32_t *rules = mem_zeroed(set->rules.count, sizeof *rules);
	size_t count = 0;

	for (uint32_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];

		if (!worker->shared->applies[i])
			continue;
		if (by_chunk(rule))
			rules[count++] = i;
		else if (!rule->keywords.count || worker->shared->brute)
			byte_pass(worker, i);
	}
	if (count)
		chunk_pass(worker, rules, count);
	free(rules);
}

bool unit_scan(struct unit_worker *worker, const struct unit *unit, struct unit_result *result)
{
	const struct unit_tables *shared = worker->shared;
	const struct rule_set *set = shared->rules;

	unit_worker_start(worker, unit, result);
	if (!worker->views.block->count)
		return true;
	if (!shared->brute && prefilter_longest(set->prefilter) && !keyword_pass(worker))
		return false;
	pass_others(worker);
	vec_sort(&result->hits, compare_hits);
	return true;
}
