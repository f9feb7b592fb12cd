#include "analyze/attribute/stacks.h"

#include "analyze/attribute/names.h"

static int compare_stacks(const void *left, const void *right)
{
	const struct report_stack *a = left, *b = right;

	if (a->resident_bytes != b->resident_bytes)
		return a->resident_bytes < b->resident_bytes ? 1 : -1;
	if (a->virtual_bytes != b->virtual_bytes)
		return a->virtual_bytes < b->virtual_bytes ? 1 : -1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

void stacks_fill(struct report_memory *memory, const struct core *core,
				 const struct regions *regions, struct pool *pool)
{
	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];

		if (region->kind != REGION_STACK)
			continue;
		*vec_add(&memory->stacks) = (struct report_stack){
			.tid = region->tid,
			.name = names_thread(core, region->tid, pool),
			.virtual_bytes = range_bytes(region->range),
			.resident_bytes =
				core->has_page_map ? page_map_resident(&core->page_map, region->range) : 0,
		};
	}
	vec_sort(&memory->stacks, compare_stacks);
}
