#include "analyze/report/content_tables.h"

#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RULES_SHOWN = 10, GROUPS_SHOWN = 5, SIZES_SHOWN = 10, CLUSTERS_SHOWN = 8 };
enum { HIDDEN_SHARE = 10 };
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
	uint64_t explained = 0, explaining = 0;
	char explained_text[SIZE_TEXT], live_text[SIZE_TEXT], rules[COUNT_TEXT];

	for (size_t i = 0; i < content->rules.count; i++) {
		explained += content->rules.items[i].live.bytes;
		explaining += content->rules.items[i].live.bytes > 0;
	}
	count_of(content->rules_applied, "rule", rules);
	size_format(live, live_text);
	if (!explaining) {
		strbuf_printf(out, "None of %s explains any of %s in live chunks.", rules, live_text);
		return;
	}
	if (explaining < content->rules_applied)
		strbuf_printf(out, "%" PRIu64 " of ", explaining);
	strbuf_printf(out, "%s explain%s %s of %s in live chunks (%.0f %%).", rules,
				  explaining == 1 ? "s" : "", size_format(explained, explained_text), live_text,
				  100.0 * (double)explained / (double)live);
}

static bool is_advised(const struct report *report, const char *remediation)
{
	for (size_t i = 0; i < report->diagnosis.count; i++)
		if (strstr(report->diagnosis.items[i].first_step, remediation))
			return true;
	return false;
}

bool content_tables_advice(const struct report *report, size_t index, struct strbuf *out)
{
	const struct report_rule *rule = &report->content.rules.items[index];
	const struct report_memory *memory = &report->memory;
	uint64_t all = memory->has_resident
					   ? memory->resident_bytes
					   : report->heap.totals.in_use.bytes + report->heap.mmapped.bytes;

	if (!*rule->remediation || !rule->live.bytes || rule->live.bytes < all / SMALL_SHARE ||
		is_advised(report, rule->remediation))
		return false;
	strbuf_printf(out, "%s, %s: %s", rule->id, rule->title, rule->remediation);
	return true;
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

/* A row that has only a first cell. */
static void add_more(struct table *table, const char *indent, uint64_t more, const char *noun)
{
	char text[COUNT_TEXT], what[32];

	if (!more)
		return;
	snprintf(what, sizeof what, "more %s", noun);
	table_printf(table, "%s%s", indent, count_of(more, what, text));
	for (size_t i = 1; i < table->width; i++)
		table_cell(table, "");
}

/* That a hidden value is there says something only where much has the same one. */
static bool tells(const struct report_rule *rule, const struct report_group *group)
{
	return strncmp(group->key, "hidden #", strlen("hidden #")) != 0 ||
		   group->bytes >= (rule->live.bytes + rule->stale.bytes) / HIDDEN_SHARE;
}

static void add_groups(struct table *table, const struct report_rule *rule)
{
	uint64_t more = rule->more_groups + rule->groups.count;
	size_t shown = 0;

	for (size_t i = 0; i < rule->groups.count && shown < GROUPS_SHOWN; i++) {
		const struct report_group *group = &rule->groups.items[i];

		if (!tells(rule, group))
			continue;
		table_printf(table, "  %s", group->key);
		table_cell(table, "");
		table_count(table, group->hits);
		table_size(table, true, group->live_bytes);
		table_cell(table, "");
		table_size(table, true, group->bytes - group->live_bytes);
		shown++;
	}
	add_more(table, "  ", more - shown, "group");
}

void content_tables_rules(const struct report_content *content, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "rule, and what it was grouped by", .code = true, .widest = 48 },
		{ .title = "severity" },
		{ .title = "hits", .right = true },
		{ .title = "live", .right = true },
		{ .title = "stale hits", .right = true },
		{ .title = "stale", .right = true },
		{ .title = NULL },
	};
	size_t shown = 0;

	table_init(table, columns);
	for (size_t i = 0; i < content->rules.count; i++) {
		if (i >= RULES_SHOWN && strcmp(content->rules.items[i].severity, "critical") != 0)
			continue;
		add_rule(table, &content->rules.items[i]);
		add_groups(table, &content->rules.items[i]);
		shown++;
	}
	add_more(table, "", content->rules.count - shown, "rule");
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

/* Millions of tries are counted in thousands: names of rules need the room. */
static void add_tries(struct table *table, uint64_t count)
{
	enum { MANY = 1000000 };
	char text[SIZE_TEXT + 8];

	if (count < MANY)
		table_count(table, count);
	else
		table_printf(table, "%s k", count_format(count / 1000, text));
}

static void add_stats(struct table *table, const struct report_rule *rule, bool has_limits)
{
	const struct report_rule_stats *stats = &rule->stats;
	char text[COUNT_TEXT];

	table_cell(table, rule->id);
	table_printf(table, "%.1f ms", (double)stats->cpu_ns / 1e6);
	add_tries(table, stats->keywords);
	add_tries(table, stats->confirms);
	add_tries(table, stats->matched);
	add_tries(table, stats->refused);
	add_tries(table, stats->hits);
	add_tries(table, stats->inside_hits);
	if (has_limits && stats->unsearched_bytes)
		table_cell(table, size_format(stats->unsearched_bytes, text));
	else if (has_limits)
		table_cell(table, stats->undecided ? count_of(stats->undecided, "place", text) : "-");
}

static bool met_something(const struct report_rule *rule)
{
	return rule->stats.keywords || rule->stats.confirms || rule->stats.undecided ||
		   rule->stats.unsearched_bytes;
}

/* What a limit left over, bytes or else places, only where one was hit: names of rules are long. */
static void init_stats(struct table *table, bool has_limits)
{
	static const struct table_column columns[] = {
		{ .title = "rule", .code = true, .widest = 38 },
		{ .title = "CPU", .right = true },
		{ .title = "keywords", .right = true },
		{ .title = "confirms", .right = true },
		{ .title = "matched", .right = true },
		{ .title = "refused", .right = true },
		{ .title = "hits", .right = true },
		{ .title = "inside", .right = true },
		{ .title = "left over", .right = true },
		{ .title = NULL },
	};

	table_init(table, columns);
	if (!has_limits)
		table->width--;
}

void content_tables_stats(const struct report_content *content, struct table *table)
{
	VEC(const struct report_rule *) rules = { 0 };
	size_t quiet = 0;
	bool has_limits = false;

	for (size_t i = 0; i < content->rules.count; i++) {
		const struct report_rule_stats *stats = &content->rules.items[i].stats;

		*vec_add(&rules) = &content->rules.items[i];
		has_limits |= stats->undecided || stats->unsearched_bytes;
	}
	for (size_t i = 0; i < content->quiet.count; i++)
		*vec_add(&rules) = &content->quiet.items[i];
	vec_sort(&rules, compare_costs);
	init_stats(table, has_limits);
	for (size_t i = 0; i < rules.count; i++)
		if (met_something(rules.items[i]))
			add_stats(table, rules.items[i], has_limits);
		else
			quiet++;
	vec_deinit(&rules);
	if (quiet) {
		table_printf(table, "%zu more met nothing", quiet);
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
