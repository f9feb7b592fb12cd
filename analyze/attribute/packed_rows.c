#include "analyze/attribute/packed_rows.h"

#include "analyze/attribute/ledger.h"

#include <string.h>

static int more_first(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare_groups(const void *left, const void *right)
{
	const struct report_inside_group *a = left, *b = right;
	int order = more_first(a->hits, b->hits);

	order = order ? order : more_first(a->live_hits, b->live_hits);
	return order ? order : strcmp(a->key, b->key);
}

static int compare_inside(const void *left, const void *right)
{
	const struct report_inside *a = left, *b = right;
	int order = more_first(a->bytes, b->bytes);

	return order ? order : strcmp(a->id, b->id);
}

static void add_groups(struct report_inside *row, const struct findings *findings, size_t inside,
					   struct pool *pool)
{
	uint32_t rule = findings->inside.items[inside].rule;
	size_t top = findings->rules.items[rule].top ? findings->rules.items[rule].top : LEDGER_GROUPS;

	for (size_t i = 0; i < findings->inside_groups.count; i++) {
		const struct finding_inside_group *group = &findings->inside_groups.items[i];

		if (group->inside == inside)
			*vec_add(&row->groups) =
				(struct report_inside_group){ group->key, group->hits, group->live_hits };
	}
	vec_sort(&row->groups, compare_groups);
	if (row->groups.count > top)
		row->groups.count = top;
	for (size_t i = 0; i < row->groups.count; i++)
		row->groups.items[i].key = pool_string(pool, row->groups.items[i].key);
}

static void add_inside(struct report_packed *packed, const struct findings *findings, size_t index,
					   struct pool *pool)
{
	const struct finding_inside *inside = &findings->inside.items[index];
	const struct finding_rule *rule = &findings->rules.items[inside->rule];
	struct report_inside *row = vec_add(&packed->inside);

	*row = (struct report_inside){
		.id = pool_string(pool, rule->id),
		.title = pool_string(pool, rule->title),
		.streams = inside->streams,
		.hits = inside->hits,
		.live_hits = inside->live_hits,
		.bytes = inside->bytes,
	};
	add_groups(row, findings, index, pool);
}

void packed_rows_fill(struct report_rule *row, const struct findings *findings, size_t index,
					  struct pool *pool)
{
	const struct finding_packed *sums = &findings->rules.items[index].packed;

	row->has_packed = sums->streams || sums->over_budget;
	row->packed = (struct report_packed){
		.streams = sums->streams,
		.live_streams = sums->live_streams,
		.nested = sums->nested,
		.packed_bytes = sums->packed_bytes,
		.inflated_bytes = sums->inflated_bytes,
		.broken = sums->broken,
		.cut_short = sums->cut_short,
		.too_long = sums->too_long,
		.over_budget = sums->over_budget,
		.too_deep = sums->too_deep,
	};
	for (size_t i = 0; i < findings->inside.count; i++)
		if (findings->inside.items[i].outer == index)
			add_inside(&row->packed, findings, i, pool);
	vec_sort(&row->packed.inside, compare_inside);
}
