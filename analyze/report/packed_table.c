#include "analyze/report/packed_table.h"

#include "base/size.h"

enum { INSIDE_SHOWN = 5, KEYS_SHOWN = 3 };

static void add_more(struct table *table, const char *indent, size_t all, size_t shown,
					 const char *noun)
{
	if (all <= shown)
		return;
	table_printf(table, "%s%zu more %s%s", indent, all - shown, noun, all - shown == 1 ? "" : "s");
	for (size_t i = 1; i < table->width; i++)
		table_cell(table, "");
}

static void add_group(struct table *table, const struct report_inside_group *group)
{
	table_printf(table, "    %s", group->key);
	table_cell(table, "");
	table_count(table, group->hits);
	table_count(table, group->live_hits);
	table_cell(table, "");
}

static void add_inside(struct table *table, const struct report_inside *inside)
{
	table_printf(table, "  %s", inside->id);
	table_count(table, inside->streams);
	table_count(table, inside->hits);
	table_count(table, inside->live_hits);
	table_size(table, true, inside->bytes);
	for (size_t i = 0; i < inside->groups.count && i < KEYS_SHOWN; i++)
		add_group(table, &inside->groups.items[i]);
	add_more(table, "    ", inside->groups.count, KEYS_SHOWN, "key");
}

static void add_rule(struct table *table, const struct report_rule *rule)
{
	const struct report_packed *packed = &rule->packed;

	table_cell(table, rule->id);
	table_count(table, packed->streams);
	table_cell(table, "");
	table_cell(table, "");
	table_size(table, true, packed->inflated_bytes);
	for (size_t i = 0; i < packed->inside.count && i < INSIDE_SHOWN; i++)
		add_inside(table, &packed->inside.items[i]);
	add_more(table, "  ", packed->inside.count, INSIDE_SHOWN, "rule");
}

bool packed_table_make(const struct report_content *content, struct table *table)
{
	static const struct table_column columns[] = {
		{ .title = "rule, what is inside, and its keys", .code = true, .widest = 46 },
		{ .title = "streams", .right = true },
		{ .title = "hits", .right = true },
		{ .title = "live hits", .right = true },
		{ .title = "inflated", .right = true },
		{ .title = NULL },
	};
	bool any = false;

	for (size_t i = 0; i < content->rules.count; i++)
		any |= content->rules.items[i].has_packed;
	if (!any)
		return false;
	table_init(table, columns);
	for (size_t i = 0; i < content->rules.count; i++)
		if (content->rules.items[i].has_packed)
			add_rule(table, &content->rules.items[i]);
	return true;
}

static void add_part(const char *separator, uint64_t count, const char *what, struct strbuf *out)
{
	char text[COUNT_TEXT];

	if (count)
		strbuf_printf(out, "%s%s %s", out->size ? separator : "", count_of(count, "stream", text),
					  what);
}

void packed_table_limits(const struct report_content *content, struct strbuf *out)
{
	uint64_t broken = 0, cut = 0, too_long = 0, over = 0, deep = 0;
	struct strbuf parts = { 0 };
	char budget[SIZE_TEXT];

	for (size_t i = 0; i < content->rules.count; i++) {
		const struct report_packed *packed = &content->rules.items[i].packed;

		broken += packed->broken;
		cut += packed->cut_short;
		too_long += packed->too_long;
		over += packed->over_budget;
		deep += packed->too_deep;
	}
	add_part(", ", broken, "broken", &parts);
	add_part(", ", cut, "cut short", &parts);
	add_part(", ", too_long, "of more than 1 MiB", &parts);
	if (parts.size)
		strbuf_printf(out, "%s: counted as far as inflated.", strbuf_text(&parts));
	strbuf_clear(&parts);
	add_part(", ", over, "over the budget", &parts);
	add_part(", ", deep, "more than two deep", &parts);
	if (parts.size)
		strbuf_printf(out, "%sNot looked into: %s. The budget is %s for all streams.",
					  out->size ? " " : "", strbuf_text(&parts),
					  size_format(content->look_budget, budget));
	strbuf_deinit(&parts);
}
