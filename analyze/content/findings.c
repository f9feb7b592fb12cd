#include "analyze/content/findings.h"

static int compare_hits(const void *left, const void *right)
{
	const struct hit *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	if (a->claimed != b->claimed)
		return a->claimed ? 1 : -1;
	return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static bool is_sorted(const struct findings *findings)
{
	for (size_t i = 1; i < findings->hits.count; i++)
		if (compare_hits(&findings->hits.items[i - 1], &findings->hits.items[i]) > 0)
			return false;
	return true;
}

void findings_sort_hits(struct findings *findings)
{
	if (!is_sorted(findings))
		vec_sort(&findings->hits, compare_hits);
}

void findings_deinit(struct findings *findings)
{
	vec_deinit(&findings->rules);
	vec_deinit(&findings->groups);
	vec_deinit(&findings->hits);
	vec_deinit(&findings->inside);
	vec_deinit(&findings->inside_groups);
	pool_deinit(&findings->pool);
}
