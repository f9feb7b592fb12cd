#include "analyze/report/content_json.h"

#include "analyze/report/json_value.h"
#include "analyze/report/packed_json.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *hits(struct report_hits value)
{
	json_t *object = json_object();

	set(object, "hits", json_value_number(value.hits));
	set(object, "chunks", json_value_number(value.chunks));
	set(object, "bytes", json_value_number(value.bytes));
	return object;
}

static json_t *rule_stats_json(const struct report_rule_stats *stats)
{
	json_t *object = json_object();

	set(object, "cpu_ns", json_value_number(stats->cpu_ns));
	set(object, "keywords", json_value_number(stats->keywords));
	set(object, "confirms", json_value_number(stats->confirms));
	set(object, "matched", json_value_number(stats->matched));
	set(object, "refused", json_value_number(stats->refused));
	set(object, "hits", json_value_number(stats->hits));
	set(object, "inside_hits", json_value_number(stats->inside_hits));
	set(object, "work", json_value_number(stats->work));
	set(object, "undecided", json_value_number(stats->undecided));
	set(object, "unsearched_bytes", json_value_number(stats->unsearched_bytes));
	set(object, "slow", json_boolean(stats->slow));
	return object;
}

static json_t *rule_json(const struct report_rule *rule, bool has_stats)
{
	json_t *object = json_object(), *groups = json_array();

	set(object, "id", json_value_text(rule->id));
	set(object, "title", json_value_text(rule->title));
	set(object, "severity", json_value_text(rule->severity));
	set(object, "confidence", json_value_text(rule->confidence));
	set(object, "remediation", json_value_text(rule->remediation));
	set(object, "live", hits(rule->live));
	set(object, "stale", hits(rule->stale));
	set(object, "undecided", json_value_number(rule->undecided));
	set(object, "unsearched_bytes", json_value_number(rule->unsearched_bytes));
	set(object, "slow", json_boolean(rule->slow));
	set(object, "ended_by", rule->ended_by ? json_value_text(rule->ended_by) : json_null());
	for (size_t i = 0; i < rule->groups.count; i++) {
		const struct report_group *group = &rule->groups.items[i];
		json_t *row = json_object();

		set(row, "key", json_value_text(group->key));
		set(row, "hits", json_value_number(group->hits));
		set(row, "bytes", json_value_number(group->bytes));
		set(row, "live_bytes", json_value_number(group->live_bytes));
		json_array_append_new(groups, row);
	}
	set(object, "groups", groups);
	set(object, "more_groups", json_value_number(rule->more_groups));
	set(object, "packed", packed_json(rule));
	if (has_stats)
		set(object, "stats", rule_stats_json(&rule->stats));
	return object;
}

static json_t *clusters_json(const struct report_content *content)
{
	json_t *array = json_array();

	for (size_t i = 0; i < content->clusters.count; i++) {
		const struct report_cluster *cluster = &content->clusters.items[i];
		json_t *row = json_object();

		set(row, "size", json_value_number(cluster->size));
		set(row, "prefix", json_value_text(cluster->prefix));
		set(row, "chunks", json_value_number(cluster->chunks));
		set(row, "bytes", json_value_number(cluster->bytes));
		set(row, "kind", json_value_text(cluster->kind));
		json_array_append_new(array, row);
	}
	return array;
}

json_t *content_json(const struct report_content *content)
{
	json_t *object = json_object(), *rules = json_array(), *rest = json_object();
	json_t *budget = json_object();

	set(object, "rules_applied", json_value_number(content->rules_applied));
	for (size_t i = 0; i < content->rules.count; i++)
		json_array_append_new(rules, rule_json(&content->rules.items[i], content->has_stats));
	for (size_t i = 0; i < content->quiet.count; i++)
		json_array_append_new(rules, rule_json(&content->quiet.items[i], true));
	set(object, "rules", rules);
	set(budget, "bytes", json_value_number(content->look_budget));
	set(budget, "spent_bytes", json_value_number(content->look_spent));
	set(object, "packed_budget", budget);
	set(rest, "chunks", json_value_number(content->unattributed_chunks));
	set(rest, "bytes", json_value_number(content->unattributed_bytes));
	set(rest, "clusters", clusters_json(content));
	set(object, "unattributed", rest);
	return object;
}
