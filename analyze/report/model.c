#include "analyze/report/model.h"

static void rule_deinit(struct report_rule *rule)
{
	for (size_t i = 0; i < rule->packed.inside.count; i++)
		vec_deinit(&rule->packed.inside.items[i].groups);
	vec_deinit(&rule->packed.inside);
	vec_deinit(&rule->groups);
}

void report_deinit(struct report *report)
{
	for (size_t i = 0; i < report->heap.arenas.count; i++)
		vec_deinit(&report->heap.arenas.items[i].threads);
	for (size_t i = 0; i < report->heap.pins.count; i++) {
		vec_deinit(&report->heap.pins.items[i].groups);
		vec_deinit(&report->heap.pins.items[i].last);
	}
	for (size_t i = 0; i < report->content.rules.count; i++)
		rule_deinit(&report->content.rules.items[i]);
	for (size_t i = 0; i < report->diagnosis.count; i++)
		vec_deinit(&report->diagnosis.items[i].evidence);
	vec_deinit(&report->evidence.gaps);
	vec_deinit(&report->evidence.unknown);
	vec_deinit(&report->evidence.missing);
	vec_deinit(&report->memory.buckets);
	vec_deinit(&report->memory.owners);
	vec_deinit(&report->memory.stacks);
	vec_deinit(&report->heap.arenas);
	vec_deinit(&report->heap.pins);
	vec_deinit(&report->heap.size_classes);
	vec_deinit(&report->content.rules);
	vec_deinit(&report->content.quiet);
	vec_deinit(&report->content.clusters);
	vec_deinit(&report->references.roots);
	vec_deinit(&report->references.sizes);
	vec_deinit(&report->references.rules);
	vec_deinit(&report->references.largest);
	vec_deinit(&report->references.missing);
	vec_deinit(&report->suspects);
	vec_deinit(&report->diagnosis);
	vec_deinit(&report->anomalies);
	pool_deinit(&report->pool);
}
