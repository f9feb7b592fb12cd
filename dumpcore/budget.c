#include "dumpcore/budget.h"

#include <elf.h>

static const char dropped_reason[] = "dropped: --max-size";

/* glibc maps each heap of a secondary arena at a multiple of its greatest size (malloc/arena.c,
 * HEAP_MAX_SIZE: 64 MiB where long has 64 bits). */
enum { ARENA_HEAP_BYTES = 64 << 20, DENSITY_STEPS = 16 };

enum rank { RANK_ANCHOR, RANK_STACK, RANK_HEAP, RANK_ARENA, RANK_PRIVATE, RANK_OTHER };

static const enum rank ranks[PLAN_KINDS] = {
	[PLAN_HEAP] = RANK_HEAP,    [PLAN_STACK] = RANK_STACK,   [PLAN_ANONYMOUS] = RANK_PRIVATE,
	[PLAN_DATA] = RANK_ANCHOR,  [PLAN_MODULE] = RANK_ANCHOR, [PLAN_VDSO] = RANK_ANCHOR,
	[PLAN_FILE] = RANK_OTHER,   [PLAN_SHARED] = RANK_OTHER,  [PLAN_JAVA] = RANK_OTHER,
	[PLAN_MARKED] = RANK_OTHER, [PLAN_DEVICE] = RANK_OTHER,
};

static enum rank rank_of(const struct plan_item *item)
{
	bool aligned = item->range.start % ARENA_HEAP_BYTES == 0 && item->flags & PF_W;

	return item->kind == PLAN_ANONYMOUS && aligned ? RANK_ARENA : ranks[item->kind];
}

/* True where a is worth less than b. */
static bool is_less(const struct plan_value *a, const struct plan_value *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (a->density != b->density)
		return a->density < b->density;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes;
	return a->item > b->item;
}

/* Moves the value at `at` down until neither of its children is worth less. */
static void sift(struct plan_value *values, size_t count, size_t at)
{
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		struct plan_value swap = values[at];

		if (child + 1 < count && is_less(&values[child + 1], &values[child]))
			child++;
		if (!is_less(&values[child], &swap))
			return;
		values[at] = values[child];
		values[child] = swap;
	}
}

/* Heapsort, most valuable first: qsort may allocate. */
static void sort(struct plan_value *values, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift(values, count, i);
	for (size_t end = count; end-- > 1;) {
		struct plan_value least = values[0];

		values[0] = values[end];
		values[end] = least;
		sift(values, end, 0);
	}
}

/* Gives the bytes of all that is selected. */
static uint64_t collect(struct plan *plan, const struct page_map *map)
{
	uint64_t sum = 0;

	plan->values.count = 0;
	for (size_t i = 0; i < plan->items.count; i++) {
		const struct plan_item *item = &plan->items.items[i];
		uint64_t bytes = plan_item_bytes(plan, item, map);
		double density = (double)bytes / (double)range_bytes(item->range);

		if (!bytes)
			continue;
		*vec_add(&plan->values) = (struct plan_value){ i, (uint32_t)rank_of(item),
													   (uint32_t)(density * DENSITY_STEPS), bytes };
		sum += bytes;
	}
	return sum;
}

static void drop(struct plan_item *item)
{
	item->selected = false;
	item->left_out = dropped_reason;
}

/* Where the item must end so that `left` bytes, whole pages, of it are read. */
static vaddr end_within(const struct plan *plan, const struct plan_item *item,
						const struct page_map *map, uint64_t left)
{
	for (size_t i = page_map_find(map, item->range.start); i < map->runs.count; i++) {
		struct range part = range_overlap(map->runs.items[i].range, item->range);

		if (!plan_reads(plan, map->runs.items[i].state))
			continue;
		if (range_bytes(part) > left)
			return part.start + left;
		left -= range_bytes(part);
	}
	return item->range.end;
}

static void cut(struct plan *plan, size_t index, const struct page_map *map, uint64_t left)
{
	struct plan_item *item = &plan->items.items[index];
	vaddr end = end_within(plan, item, map, left / map->page_size * map->page_size);
	size_t count = plan->items.count;

	if (end > item->range.start)
		plan_split(plan, index, end);
	drop(&plan->items.items[plan->items.count > count ? index + 1 : index]);
}

void budget_apply(struct plan *plan, const struct page_map *map, uint64_t most)
{
	const struct plan_value *partly = NULL;
	uint64_t left = most;

	if (collect(plan, map) <= most)
		return;
	sort(plan->values.items, plan->values.count);
	for (size_t i = 0; i < plan->values.count; i++) {
		const struct plan_value *value = &plan->values.items[i];

		if (!partly && value->bytes <= left)
			left -= value->bytes;
		else if (!partly)
			partly = value;
		else
			drop(&plan->items.items[value->item]);
	}
	/* Last, because the split moves the items behind it. */
	if (partly)
		cut(plan, partly->item, map, left);
}
