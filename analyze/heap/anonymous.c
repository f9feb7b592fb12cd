#include "analyze/heap/anonymous.h"

static bool can_be_mapped_by_malloc(const struct region *region)
{
	unsigned both = MAPPING_READ | MAPPING_WRITE;

	return (region->protection & both) == both && !(region->protection & MAPPING_SHARED) &&
		   (region->kind == REGION_ANONYMOUS || region->kind == REGION_BRK ||
			region->kind == REGION_STACK);
}

void anonymous_find(const struct regions *regions, anonymous_runs *runs)
{
	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];

		if (!can_be_mapped_by_malloc(region))
			continue;
		if (runs->count && runs->items[runs->count - 1].end == region->range.start)
			runs->items[runs->count - 1].end = region->range.end;
		else
			*vec_add(runs) = region->range;
	}
}

void anonymous_remove(anonymous_runs *runs, struct range range)
{
	size_t count = runs->count;

	for (size_t i = 0; i < count; i++) {
		struct range run = runs->items[i];
		struct range common = range_overlap(run, range);

		if (!range_bytes(common))
			continue;
		runs->items[i].end = common.start;
		if (common.end < run.end)
			*vec_add(runs) = (struct range){ common.end, run.end };
	}
}
