#include "analyze/report/content_tables.h"

#include "base/size.h"

#include <string.h>

enum { RULES_SHOWN = 10, GROUPS_SHOWN = 5, SIZES_SHOWN = 10, CLUSTERS_SHOWN = 8 };
enum { SMALL_SHARE = 100 }; /* malloc with less than a 100th of the RSS is no matter */

bool content_tables_matter(const struct report *report)
{
	const struct report_heap *heap = &report->heap;
	uint64_t resident = heap->totals.in_use.resident_bytes + heap->mmapped.resident_bytes +
						heap->totals.free_resident_bytes;

	return !report->memory.has_resident || resident >= report->memory.resident_bytes / SMALL_SHARE;
}

void content_tables_coverage(const struct report *report, struct strbuf *out)
{
	const struct report_content *content = &report->content;
	uint64_t live = report->heap.totals.in_use.bytes + report->heap.mmapped.bytes;
	uint64_t explained = 0;
	char explained_text[SIZE_TEXT], live_text[SIZE_TEXT], rules[COUNT_TEXT];

	for (size_t i = 0; i < content->rules.count; i++)
		explained += content->rules.items[i].live.bytes;
	strbuf_printf(out, "%s explain%s %s of %s in live chunks (%.0f %%).",
				  count_of(content->rules_applied, "rule", rules),
				  content->rules_applied == 1 ? "s" : "", size_format(explained, explained_text),
				  size_format(live, live_text),
				  live ? 100.0 * (double)explained / (double)live : 0);
}

static void add_rule(struct table *table, const struct report_rule *rule)
{
	table_cell(table, rule->id);
	table_cell(table, rule->severity);
	table_count(table, rule->live.hits);
	table_size(table, true, rule->live.bytes);
	table_count(table, rule->stale.hits);
	table_size(table, true, rule->stale.bytes);
}

static void add_groups(struct table *table, const struct report_rule *rule)
{
	for (size_t i = 0; i < rule->groups.count && i < GROUPS_SHOWN; i++) {
		const struct report_group *group = &rule->groups.items[i];

		table_printf(table, "  %s", group->key);
		table_cell(table, "");
		table_count(table, group->hits);
		table_size(table, true, group->live_bytes);
		table_cell(table, "");
		table_size(table, true, group->bytes - group->live_bytes);
	}
	if (rule->groups.count > GROUPS_SHOWN) {
		size_t more = rule->groups.count - GROUPS_SHOWN;

		table_printf(table, "  %zu more group%s", more, more == 1 ? "" : "s");
		for (size_t i = 1; i < table->width; i++)
			table_cell(table, "");
	}
}

void content_tables_rules(const struct report_content *content, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "rule, and what it was grouped by", .code = true, .widest = 38 },
		{ .title = "severity" },
		{ .title = "hits", .right = true },
		{ .title = "live", .right = true },
		{ .title = "stale hits", .right = true },
		{ .title = "stale", .right = true },
		{ .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < content->rules.count && i < RULES_SHOWN; i++) {
		add_rule(table, &content->rules.items[i]);
		add_groups(table, &content->rules.items[i]);
	}
	if (content->rules.count > RULES_SHOWN) {
		size_t more = content->rules.count - RULES_SHOWN;

		table_printf(table, "%zu more rule%s", more, more == 1 ? "" : "s");
		for (size_t i = 1; i < table->width; i++)
			table_cell(table, "");
	}
}

static int compare_costs(const void *left, const void *right)
{
	const struct report_rule *a = *(const struct report_rule *const *)left;
	const struct report_rule *b = *(const struct report_rule *const *)right;

	if (a->stats.cpu_ns != b->stats.cpu_ns)
		return a->stats.cpu_ns > b->stats.cpu_ns ? -1 : 1;
	if (a->stats.confirms != b->stats.confirms)
		return a->stats.confirms > b->stats.confirms ? -1 : 1;
	return strcmp(a->id, b->id);
}

static void add_stats(struct table *table, const struct report_rule *rule, bool has_undecided)
{
	const struct report_rule_stats *stats = &rule->stats;

	table_cell(table, rule->id);
	table_printf(table, "%.1f ms", (double)stats->cpu_ns / 1e6);
	table_count(table, stats->keywords);
	table_count(table, stats->confirms);
	table_count(table, stats->matched);
	table_count(table, stats->refused);
	table_count(table, stats->hits);
	if (!has_undecided)
		return;
	table_count(table, stats->undecided);
	table_cell(table, stats->slow ? "slow" : "");
}

static bool met_something(const struct report_rule *rule)
{
	return rule->stats.keywords || rule->stats.confirms || rule->stats.undecided;
}

/* Columns of limits only where one was hit: names of rules are long. */
static void init_stats(struct table *table, bool has_undecided)
{
	static const struct table_column columns[][10] = {
		{
			{ .title = "rule", .code = true, .widest = 38 },
			{ .title = "CPU", .right = true },
			{ .title = "keywords", .right = true },
			{ .title = "confirms", .right = true },
			{ .title = "matched", .right = true },
			{ .title = "refused", .right = true },
			{ .title = "hits", .right = true },
			{ .title = NULL },
		},
		{
			{ .title = "rule", .code = true, .widest = 38 },
			{ .title = "CPU", .right = true },
			{ .title = "keywords", .right = true },
			{ .title = "confirms", .right = true },
			{ .title = "matched", .right = true },
			{ .title = "refused", .right = true },
			{ .title = "hits", .right = true },
			{ .title = "undecided", .right = true },
			{ .title = "" },
			{ .title = NULL },
		},
	};

	table_init(table, columns[has_undecided]);
}

void content_tables_stats(const struct report_content *content, struct table *table)
{
	VEC(const struct report_rule *) rules = { 0 };
	size_t quiet = 0;
	bool has_undecided = false;

	for (size_t i = 0; i < content->rules.count; i++) {
		*vec_add(&rules) = &content->rules.items[i];
		has_undecided |= content->rules.items[i].stats.undecided > 0;
	}
	for (size_t i = 0; i < content->quiet.count; i++)
		*vec_add(&rules) = &content->quiet.items[i];
	vec_sort(&rules, compare_costs);
	init_stats(table, has_undecided);
	for (size_t i = 0; i < rules.count; i++)
		if (met_something(rules.items[i]))
			add_stats(table, rules.items[i], has_undecided);
		else
			quiet++;
	vec_deinit(&rules);
	if (quiet) {
		table_printf(table, "%zu more met nothing to try", quiet);
		for (size_t i = 1; i < table->width; i++)
			table_cell(table, "");
	}
}

void content_tables_sizes(const struct report_heap *heap, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "chunk size", .right = true },
		{ .title = "state" },
		{ .title = "chunks", .right = true },
		{ .title = "bytes", .right = true },
		{ .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < heap->size_classes.count && i < SIZES_SHOWN; i++) {
		const struct report_size_class *class = &heap->size_classes.items[i];

		table_count(table, class->size);
		table_cell(table, class->state);
		table_count(table, class->chunks);
		table_size(table, true, class->bytes);
	}
}

void content_tables_clusters(const struct report_content *content, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "chunk size", .right = true },
		{ .title = "first words", .code = true, .widest = 30 },
		{ .title = "kind" },
		{ .title = "chunks", .right = true },
		{ .title = "bytes", .right = true },
		{ .title = NULL },
	};

	table_init(table, columns);
	for (size_t i = 0; i < content->clusters.count && i < CLUSTERS_SHOWN; i++) {
		const struct report_cluster *cluster = &content->clusters.items[i];

		table_count(table, cluster->size);
		table_cell(table, cluster->prefix);
		table_cell(table, cluster->kind);
		table_count(table, cluster->chunks);
		table_size(table, true, cluster->bytes);
	}
}
