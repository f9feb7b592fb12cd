#include "dumpcore/plan.h"

#include <elf.h>
#include <string.h>

const struct plan_kind_row plan_kinds[PLAN_KINDS] = {
	[PLAN_HEAP] = { "heap", true, "main heap (brk)", "not selected: heap" },
	[PLAN_STACK] = { "stacks", true, "thread stacks", "not selected: stack" },
	[PLAN_ANONYMOUS] = { "anon", true, "other private memory", "not selected: anonymous" },
	[PLAN_DATA] = { "data", true, "writable data of modules", "not selected: module data" },
	[PLAN_MODULE] = { "modules", true, "first page of each module", "not selected: file-backed" },
	[PLAN_VDSO] = { "vdso", true, "vdso", "not selected: vdso" },
	[PLAN_FILE] = { "files", false, "code and mapped files", "not selected: file-backed" },
	[PLAN_SHARED] = { "shared", false, "shared memory", "not selected: shared memory" },
	[PLAN_JAVA] = { "java", false, "Java heap", "not selected: Java heap" },
	[PLAN_MARKED] = { "dontdump", false, "marked MADV_DONTDUMP",
					  "not selected: marked MADV_DONTDUMP" },
	[PLAN_DEVICE] = { NULL, false, "device memory", "device memory: never read" },
};

static const char swapped_reason[] = "swapped out";
static const char more_swapped_reason[] = "swapped out; later swapped pages are in the page map";
enum { SWAPPED_GAPS = 4096, NEIGHBOURS = 16 };

static plan_selection select_named(const char *name, size_t length)
{
	for (int i = 0; i < PLAN_KINDS; i++)
		if (plan_kinds[i].name && strlen(plan_kinds[i].name) == length &&
			strncmp(plan_kinds[i].name, name, length) == 0)
			return UINT32_C(1) << i;
	return 0;
}

static plan_selection select_group(const char *name, size_t length)
{
	plan_selection selection = 0;
	bool all = length == 3 && strncmp(name, "all", 3) == 0;
	bool native = length == 6 && strncmp(name, "native", 6) == 0;

	for (int i = 0; i < PLAN_KINDS; i++)
		if ((all && plan_kinds[i].name && i != PLAN_MARKED) || (native && plan_kinds[i].native))
			selection |= UINT32_C(1) << i;
	return selection;
}

bool plan_selection_parse(const char *text, plan_selection *selection, struct err *err)
{
	*selection = 0;
	for (const char *at = text;; at++) {
		size_t length = strcspn(at, ",");
		plan_selection named = select_named(at, length) | select_group(at, length);

		if (!named) {
			err_set(err, ERR_USAGE, "--select: '%.*s' is no kind of memory", (int)length, at);
			return err_hint(err, "give native, all, or a comma list of heap, stacks, anon, data, "
								 "modules, vdso, files, shared, java, dontdump");
		}
		*selection |= named;
		at += length;
		if (!*at)
			return true;
	}
}

void plan_reserve(struct plan *plan, size_t items, size_t segments)
{
	size_t gaps = 2 * items + SWAPPED_GAPS;

	plan->items.items = mem_resize(plan->items.items, items, sizeof *plan->items.items);
	plan->items.capacity = items;
	plan->values.items = mem_resize(plan->values.items, items, sizeof *plan->values.items);
	plan->values.capacity = items;
	plan->segments.items = mem_resize(plan->segments.items, segments, sizeof *plan->segments.items);
	plan->segments.capacity = segments;
	plan->gaps.items = mem_resize(plan->gaps.items, gaps, sizeof *plan->gaps.items);
	plan->gaps.capacity = gaps;
}

void plan_deinit(struct plan *plan)
{
	vec_deinit(&plan->items);
	vec_deinit(&plan->values);
	vec_deinit(&plan->segments);
	vec_deinit(&plan->gaps);
}

/* --- what a mapping is --- */

static bool is_device(const struct mapping *mapping)
{
	return mapping_has_flag(mapping, "pf") || mapping_has_flag(mapping, "io") ||
		   strncmp(mapping->path, "[vvar", 5) == 0 || strcmp(mapping->path, "[vsyscall]") == 0;
}

/* Neighbours of the same file belong to the same module (the loader maps its segments in a row). */
static bool same_file(const struct mapping *a, const struct mapping *b)
{
	return a->inode && a->inode == b->inode && strcmp(a->path, b->path) == 0;
}

/* A mapped file that has executable pages is a module. */
static bool is_module(const mappings *list, size_t index)
{
	const struct mapping *wanted = &list->items[index];
	size_t first = index, end;

	while (first && index - first < NEIGHBOURS && same_file(&list->items[first - 1], wanted))
		first--;
	end = index + NEIGHBOURS < list->count ? index + NEIGHBOURS : list->count;
	for (size_t i = first; i < end && same_file(&list->items[i], wanted); i++)
		if (list->items[i].protection & MAPPING_EXECUTE)
			return true;
	return false;
}

static enum plan_kind kind_of_file(const mappings *list, size_t index)
{
	const struct mapping *mapping = &list->items[index];
	bool module = is_module(list, index);

	/* "/dev/zero" and huge pages look like deleted files and are anonymous memory. */
	if (strcmp(mapping->path, "/dev/zero") == 0 || strcmp(mapping->path, "/anon_hugepage") == 0)
		return PLAN_ANONYMOUS;
	if (mapping->anonymous_bytes || (module && mapping->protection & MAPPING_WRITE))
		return PLAN_DATA;
	return module && mapping->file_offset == 0 ? PLAN_MODULE : PLAN_FILE;
}

static enum plan_kind kind_of(const mappings *list, size_t index, struct range java_heap)
{
	const struct mapping *mapping = &list->items[index];

	if (is_device(mapping))
		return PLAN_DEVICE;
	if (mapping_has_flag(mapping, "dd"))
		return PLAN_MARKED;
	if (strcmp(mapping->path, "[vdso]") == 0)
		return PLAN_VDSO;
	if (mapping->protection & MAPPING_SHARED)
		return PLAN_SHARED;
	if (range_bytes(range_overlap(mapping->range, java_heap)))
		return PLAN_JAVA;
	if (mapping->inode)
		return kind_of_file(list, index);
	if (strcmp(mapping->path, "[heap]") == 0)
		return PLAN_HEAP;
	return strncmp(mapping->path, "[stack", 6) == 0 ? PLAN_STACK : PLAN_ANONYMOUS;
}

/* fork(2) copies page tables only where pages of its own may be: vma_needs_copy, mm/memory.c. */
static bool is_cloned(const struct mapping *mapping)
{
	return !(mapping->protection & MAPPING_SHARED) && (!mapping->inode || mapping->anonymous_bytes);
}

static uint32_t flags_of(const struct mapping *mapping)
{
	return (mapping->protection & MAPPING_READ ? PF_R : 0U) |
		   (mapping->protection & MAPPING_WRITE ? PF_W : 0U) |
		   (mapping->protection & MAPPING_EXECUTE ? PF_X : 0U);
}

void plan_select(struct plan *plan, const mappings *list, plan_selection selection,
				 struct range java_heap)
{
	plan->items.count = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct mapping *mapping = &list->items[i];
		enum plan_kind kind = kind_of(list, i, java_heap);

		if (strcmp(mapping->path, "[vsyscall]") == 0)
			continue; /* the kernel's own: not in pagemap */
		*vec_add(&plan->items) = (struct plan_item){
			.range = mapping->range,
			.kind = kind,
			.flags = flags_of(mapping),
			.selected = kind != PLAN_DEVICE && selection >> kind & 1,
			.first_page = kind == PLAN_MODULE && !(selection >> PLAN_FILE & 1),
			.is_file = mapping->inode || kind == PLAN_SHARED || kind == PLAN_VDSO,
			.is_shared = mapping->protection & MAPPING_SHARED,
			.is_cloned = is_cloned(mapping),
			.is_wiped = mapping_has_flag(mapping, "wf"),
			.is_new = !mapping->has_counts,
			.is_huge = mapping_has_flag(mapping, "ht"),
			.path = mapping->path,
			.resident_bytes = mapping->resident_bytes,
			.swapped_bytes = mapping->swapped_bytes,
		};
	}
}

size_t plan_find(const struct plan *plan, vaddr address)
{
	return range_search(plan->items.items, plan->items.count, sizeof *plan->items.items, address);
}

void plan_split(struct plan *plan, size_t index, vaddr at)
{
	struct plan_item *first;

	if (plan->items.items[index].kind == PLAN_VDSO)
		return;
	vec_add(&plan->items);
	first = &plan->items.items[index];
	memmove(first + 1, first, (plan->items.count - index - 1) * sizeof *first);
	first[0].range.end = first[1].range.start = at;
	first[1].selected = first->selected && !first->first_page;
	first[1].first_page = false;
}

void plan_mark_stack(struct plan *plan, vaddr stack_pointer, plan_selection selection)
{
	size_t index = plan_find(plan, stack_pointer);
	struct plan_item *item = index < plan->items.count ? &plan->items.items[index] : NULL;

	if (!item || item->kind != PLAN_ANONYMOUS || !range_holds(item->range, stack_pointer))
		return;
	item->kind = PLAN_STACK;
	item->selected = selection >> PLAN_STACK & 1;
}

static bool may_change(const struct plan_item *item, enum plan_torn torn)
{
	return item->selected && item->flags & PF_W &&
		   (torn == TORN_WRITABLE || (torn == TORN_SHARED && item->is_shared));
}

/* What smaps found empty may have been filled since, where it can be accessed. It is asked again up
 * to a size; of what is larger describe_mappings has counted the pages anew, where the kernel is
 * one that must be asked page by page. */
static bool is_empty(const struct plan_item *item)
{
	return !item->resident_bytes && !item->swapped_bytes &&
		   (!item->flags || range_bytes(item->range) > PLAN_ASKED_BYTES);
}

void plan_ranges(const struct plan *plan, enum plan_torn torn, pages_ranges *ranges)
{
	ranges->count = 0;
	for (size_t i = 0; i < plan->items.count; i++) {
		const struct plan_item *item = &plan->items.items[i];

		*vec_add(ranges) = (struct pages_range){
			.range = item->range,
			.present = may_change(item, torn) ? PAGE_TORN : PAGE_PRESENT,
			.skip = item->kind == PLAN_DEVICE || is_empty(item),
		};
	}
}

/* --- layout --- */

const struct writer_segment *plan_segments_next(const plan_segments *segments, vaddr address)
{
	size_t low = 0, high = segments->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (segments->items[middle].start + segments->items[middle].bytes <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < segments->count ? &segments->items[low] : NULL;
}

const struct writer_segment *plan_segments_find(const plan_segments *segments, vaddr address)
{
	const struct writer_segment *segment = plan_segments_next(segments, address);

	return segment && segment->start <= address ? segment : NULL;
}

static void add_gap(struct plan *plan, struct range range, const char *reason)
{
	struct capture_gap *last = plan->gaps.count ? &plan->gaps.items[plan->gaps.count - 1] : NULL;

	if (last && last->reason == reason && last->range.end == range.start)
		last->range.end = range.end;
	else
		*vec_add(&plan->gaps) = (struct capture_gap){ range, reason };
}

static void add_swapped(struct plan *plan, struct range range, size_t *count)
{
	if (*count < SWAPPED_GAPS)
		add_gap(plan, range, ++*count < SWAPPED_GAPS ? swapped_reason : more_swapped_reason);
}

bool plan_reads(const struct plan *plan, enum page_state state)
{
	return state == PAGE_PRESENT || state == PAGE_TORN || state == PAGE_UNREADABLE ||
		   (state == PAGE_SWAPPED && plan->read_swapped);
}

/* Pages that read as zeros in the target and cost nothing in the archive. */
static bool is_hole(enum page_state state, bool is_file, uint64_t bytes)
{
	return state == PAGE_ZERO || (state == PAGE_ABSENT && !is_file && bytes < FORMAT_HOLE_BYTES);
}

static void add_segment(struct plan *plan, struct range range, uint32_t flags)
{
	*vec_add(&plan->segments) =
		(struct writer_segment){ range.start, range_bytes(range), flags, 0 };
	plan->segment_bytes += range_bytes(range);
}

/* Walks the runs of a selected range. `open` is the segment being made: from its first page that is
 * read to behind its last; holes join it only when such a page follows. */
static void lay_out_range(struct plan *plan, const struct plan_item *item, struct range range,
						  const struct page_map *map, size_t *swapped)
{
	struct range open = { range.start, range.start };
	bool broken = true;

	for (size_t i = page_map_find(map, range.start); i < map->runs.count; i++) {
		const struct page_run *run = &map->runs.items[i];
		struct range part = range_overlap(run->range, range);

		if (run->range.start >= range.end)
			break;
		if (plan_reads(plan, run->state)) {
			if (broken && range_bytes(open))
				add_segment(plan, open, item->flags);
			open = (struct range){ broken ? part.start : open.start, part.end };
			broken = false;
			plan->memory_bytes += range_bytes(part);
		} else if (!is_hole(run->state, item->is_file, range_bytes(part))) {
			broken = true;
		}
		if (run->state == PAGE_SWAPPED && !plan->read_swapped)
			add_swapped(plan, part, swapped);
	}
	if (range_bytes(open))
		add_segment(plan, open, item->flags);
}

static void take_whole(struct plan *plan, const struct plan_item *item, const struct page_map *map)
{
	if (!page_map_resident(map, item->range))
		return;
	plan->whole = item->range;
	plan->memory_bytes += range_bytes(item->range);
	add_segment(plan, item->range, item->flags);
}

/* What was left out is a gap where something was there. */
static void leave_out(struct plan *plan, struct range range, const struct plan_item *item,
					  const struct page_map *map)
{
	const char *reason = item->left_out ? item->left_out : plan_kinds[item->kind].gap_reason;
	uint64_t bytes[PAGE_STATES];

	page_map_sum(map, range, bytes);
	if (bytes[PAGE_PRESENT] + bytes[PAGE_TORN] + bytes[PAGE_UNREADABLE] + bytes[PAGE_SWAPPED])
		add_gap(plan, range, reason);
}

/* What is taken of an item, from its start. */
static struct range taken_of(const struct plan_item *item, uint32_t page_size)
{
	struct range taken = item->range;

	if (!item->selected)
		taken.end = taken.start;
	else if (item->first_page)
		taken.end = taken.start + page_size;
	return taken;
}

uint64_t plan_item_bytes(const struct plan *plan, const struct plan_item *item,
						 const struct page_map *map)
{
	uint64_t bytes[PAGE_STATES], sum = 0;

	page_map_sum(map, taken_of(item, map->page_size), bytes);
	for (int state = 0; state < PAGE_STATES; state++)
		if (plan_reads(plan, (enum page_state)state))
			sum += bytes[state];
	return sum && item->kind == PLAN_VDSO ? range_bytes(item->range) : sum;
}

void plan_lay_out(struct plan *plan, const struct page_map *map)
{
	size_t swapped = 0;

	plan->segments.count = plan->gaps.count = 0;
	plan->memory_bytes = plan->segment_bytes = 0;
	plan->whole = (struct range){ 0 };
	for (size_t i = 0; i < plan->items.count; i++) {
		const struct plan_item *item = &plan->items.items[i];
		struct range taken = taken_of(item, map->page_size);
		struct range left = { taken.end, item->range.end };

		if (item->selected && item->kind == PLAN_VDSO)
			take_whole(plan, item, map);
		else if (range_bytes(taken))
			lay_out_range(plan, item, taken, map, &swapped);
		if (range_bytes(left))
			leave_out(plan, left, item, map);
	}
}
