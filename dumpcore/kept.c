#include "dumpcore/kept.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PARTS = 16384,
	MAPS_LIMIT = 1 << 30,
	SPARE = 1 << 20, /* more of the buffer than is likely */
	POPULATE_WRITE =
		23, /* MADV_POPULATE_WRITE of asm-generic/mman-common.h, which older headers lack */
};

/* Pages that are there already are filled faster: some of them before the stop. Where the kernel
 * does not do that (Linux 5.14), the stop is a little longer. */
static void make_buffer(struct kept *kept, uint64_t likely_bytes)
{
	size_t bytes = likely_bytes < KEPT_BYTES - SPARE ? (size_t)likely_bytes + SPARE : KEPT_BYTES;

	kept->buffer = mmap(NULL, KEPT_BYTES, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (kept->buffer == MAP_FAILED)
		kept->buffer = NULL;
	kept->room = kept->buffer ? KEPT_BYTES : 0;
	if (kept->buffer && likely_bytes)
		madvise(kept->buffer, bytes, POPULATE_WRITE);
}

void kept_reserve(struct kept *kept, struct reader *reader, size_t mappings_room, size_t maps_bytes,
				  uint64_t likely_bytes)
{
	make_buffer(kept, likely_bytes);
	strbuf_room(&kept->maps, maps_bytes);
	kept->cloned.items = mem_resize(NULL, mappings_room, sizeof *kept->cloned.items);
	kept->cloned.capacity = mappings_room;
	kept->ranges.items = mem_resize(NULL, mappings_room, sizeof *kept->ranges.items);
	kept->ranges.capacity = mappings_room;
	kept->fresh.items = mem_resize(NULL, mappings_room, sizeof *kept->fresh.items);
	kept->fresh.capacity = mappings_room;
	reader->parts.items = mem_resize(NULL, PARTS, sizeof *reader->parts.items);
	reader->parts.capacity = PARTS;
	page_map_reserve(&kept->map, 2 * PARTS + 2 * mappings_room);
	page_map_reserve(&kept->ours, 2 * PARTS + 2 * mappings_room);
	page_map_reserve(&kept->theirs, 2 * PARTS + 2 * mappings_room);
}

void kept_deinit(struct kept *kept)
{
	if (kept->buffer)
		munmap(kept->buffer, KEPT_BYTES);
	strbuf_deinit(&kept->maps);
	vec_deinit(&kept->cloned);
	vec_deinit(&kept->ranges);
	vec_deinit(&kept->fresh);
	page_map_deinit(&kept->map);
	page_map_deinit(&kept->ours);
	page_map_deinit(&kept->theirs);
	*kept = (struct kept){ 0 };
}

uint64_t kept_expected(const mappings *list)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct mapping *mapping = &list->items[i];

		if ((mapping_has_flag(mapping, "dc") || mapping_has_flag(mapping, "wf")) &&
			!(mapping->protection & MAPPING_SHARED))
			bytes += mapping->resident_bytes;
	}
	return bytes;
}

/* --- what the clone has --- */

/* "55d0c0a00000-55d0c0a21000 …": only where they are is of interest, and this fills no pool. */
static bool read_line(const char *line, struct range *range)
{
	char *end;

	range->start = strtoull(line, &end, 16);
	if (end == line || *end != '-')
		return false;
	line = end + 1;
	range->end = strtoull(line, &end, 16);
	return end > line && range->start < range->end;
}

bool kept_read_clone(struct kept *kept, const struct procfs *clone, struct err *err)
{
	struct range range;

	kept->maps.size = 0;
	kept->cloned.count = 0;
	if (!procfs_read(clone, "maps", MAPS_LIMIT, &kept->maps, err))
		return false;
	for (const char *line = strbuf_text(&kept->maps); line && *line;) {
		if (read_line(line, &range))
			*vec_add(&kept->cloned) = range;
		line = strchr(line, '\n');
		line += line ? 1 : 0;
	}
	return kept->cloned.count || err_set(err, ERR_GONE, "the snapshot child has ended");
}

static bool is_mapped_in_clone(const struct kept *kept, struct range range)
{
	const kept_mappings *cloned = &kept->cloned;
	size_t at = range_search(cloned->items, cloned->count, sizeof *cloned->items, range.start);

	for (; range.start < range.end; at++) {
		if (at == cloned->count || cloned->items[at].start > range.start)
			return false;
		range.start = cloned->items[at].end;
	}
	return true;
}

/* --- what it lacks --- */

/* Only private anonymous memory can be wiped (mm/madvise.c, MADV_WIPEONFORK). */
static bool may_be_wiped(const struct kept *kept, const struct plan_item *item)
{
	return item->is_new && !item->is_shared && !item->is_file && item->kind != PLAN_DEVICE &&
		   is_mapped_in_clone(kept, item->range);
}

static bool scan_fresh(struct kept *kept, const struct plan *plan, const pages_ranges *asked,
					   const struct pages *target, const struct pages *clone, struct err *err)
{
	kept->fresh.count = kept->ours.runs.count = kept->theirs.runs.count = 0;
	for (size_t i = 0; i < plan->items.count; i++)
		if (may_be_wiped(kept, &plan->items.items[i]))
			*vec_add(&kept->fresh) = asked->items[i];
	return !kept->fresh.count || (pages_scan(target, &kept->fresh, &kept->ours, err) &&
								  pages_scan(clone, &kept->fresh, &kept->theirs, err));
}

static uint64_t there(const struct page_map *map, struct range range)
{
	uint64_t bytes[PAGE_STATES];

	page_map_sum(map, range, bytes);
	return bytes[PAGE_PRESENT] + bytes[PAGE_TORN] + bytes[PAGE_SWAPPED] + bytes[PAGE_UNREADABLE];
}

static bool is_lacking(const struct kept *kept, const struct plan_item *item)
{
	if (item->kind == PLAN_DEVICE)
		return false;
	return item->is_wiped || !is_mapped_in_clone(kept, item->range) ||
		   (there(&kept->ours, item->range) && !there(&kept->theirs, item->range));
}

bool kept_find(struct kept *kept, const struct plan *plan, const pages_ranges *asked,
			   const struct pages *target, const struct pages *clone, struct err *err)
{
	kept->ranges.count = 0;
	if (!scan_fresh(kept, plan, asked, target, clone, err))
		return false;
	for (size_t i = 0; i < plan->items.count; i++)
		if (is_lacking(kept, &plan->items.items[i]))
			*vec_add(&kept->ranges) = asked->items[i];
	return true;
}

/* --- its pages --- */

bool kept_scan(struct kept *kept, const struct plan *plan, const struct pages *target,
			   uint64_t *bytes, struct err *err)
{
	*bytes = 0;
	kept->ours.runs.count = 0;
	if (!pages_scan(target, &kept->ranges, &kept->ours, err))
		return false;
	kept->ours.page_size = kept->map.page_size = target->page_size;
	for (size_t i = 0; i < kept->ranges.count; i++) {
		size_t item = plan_find(plan, kept->ranges.items[i].range.start);

		*bytes += plan_item_bytes(plan, &plan->items.items[item], &kept->ours);
	}
	return true;
}

/* From now on a part of the reader; gives the state of its pages. */
static enum page_state keep_part(struct kept *kept, struct range range, enum page_state state,
								 struct reader *target, struct reader_part *part)
{
	uint64_t bytes = range_bytes(range);
	uint8_t *to = kept->buffer + kept->used;

	*part = (struct reader_part){ .range = range };
	if (bytes > kept->room - kept->used)
		return state == PAGE_PRESENT ? PAGE_TORN : state;
	part->kept = to;
	kept->used += (size_t)bytes;
	if (!reader_fill(target, range.start, to, (size_t)bytes))
		reader_add_error(target, range, "the process ended before this was read");
	return state;
}

/* The pages of an item: what is selected of them is copied. */
static bool keep_item(struct kept *kept, const struct plan *plan, const struct plan_item *item,
					  struct reader *target, struct reader *reader)
{
	for (size_t i = page_map_find(&kept->ours, item->range.start);
		 i < kept->ours.runs.count && kept->ours.runs.items[i].range.start < item->range.end; i++) {
		struct range range = range_overlap(kept->ours.runs.items[i].range, item->range);
		enum page_state state = kept->ours.runs.items[i].state;

		if (item->selected && plan_reads(plan, state)) {
			if (reader->parts.count == PARTS)
				return false;
			state = keep_part(kept, range, state, target, vec_add(&reader->parts));
		}
		page_map_append(&kept->map, range, state);
	}
	return true;
}

bool kept_copy(struct kept *kept, const struct plan *plan, struct reader *reader, struct err *err)
{
	struct reader target = *reader; /* without the parts that are being made */

	target.parts.count = 0;
	for (size_t i = 0; i < kept->ranges.count; i++) {
		size_t item = plan_find(plan, kept->ranges.items[i].range.start);

		if (!keep_item(kept, plan, &plan->items.items[item], &target, reader))
			return err_set(err, ERR_LIMIT,
						   "fork: memory that a clone does not get is in over %d pieces", PARTS);
	}
	reader->errors = target.errors;
	return true;
}

bool kept_has(const struct kept *kept, struct range range)
{
	size_t at = range_search(kept->ranges.items, kept->ranges.count, sizeof *kept->ranges.items,
							 range.start);

	return at < kept->ranges.count &&
		   range_bytes(range_overlap(kept->ranges.items[at].range, range));
}

/* --- what was wiped without its being known --- */

const char kept_wiped[] = "a clone has it empty (MADV_WIPEONFORK), which was not known before";

/* Does the target have pages now where the clone has none at all? Hardly ever: what is there in
 * most mappings is in both. */
static bool find_suspects(const struct kept *kept, const struct plan *plan,
						  const struct pages *target, const struct page_map *cloned,
						  pages_ranges *suspects)
{
	struct page_map now = { 0 };
	bool found;

	for (size_t i = 0; i < plan->items.count; i++) {
		const struct plan_item *item = &plan->items.items[i];

		if (item->selected && item->flags && item->is_cloned && !item->is_file && !item->is_new &&
			!kept_has(kept, item->range) && !there(cloned, item->range))
			*vec_add(suspects) = (struct pages_range){ item->range, PAGE_PRESENT, false };
	}
	pages_scan(target, suspects, &now, NULL);
	found = there(&now, (struct range){ 0, UINT64_MAX }) > 0;
	page_map_deinit(&now);
	return found;
}

static bool is_told_wiped(const mappings *list, vaddr address)
{
	size_t at = range_search(list->items, list->count, sizeof *list->items, address);

	return at < list->count && range_holds(list->items[at].range, address) &&
		   mapping_has_flag(&list->items[at], "wf");
}

/* The clone has the advice of the target's mapping at the stop (kernel/fork.c, dup_mmap). */
void kept_note_wiped(const struct kept *kept, const struct plan *plan, const struct pages *target,
					 const struct procfs *clone, const struct page_map *cloned,
					 struct reader *reader)
{
	pages_ranges suspects = { 0 };
	struct strbuf smaps = { 0 };
	struct pool pool = { 0 };
	mappings list = { 0 };

	if (find_suspects(kept, plan, target, cloned, &suspects) &&
		procfs_read(clone, "smaps", MAPS_LIMIT, &smaps, NULL) &&
		proc_text_mappings(strbuf_span(&smaps), &pool, &list, NULL))
		for (size_t i = 0; i < suspects.count; i++)
			if (is_told_wiped(&list, suspects.items[i].range.start))
				reader_add_error(reader, suspects.items[i].range, kept_wiped);
	vec_deinit(&list);
	pool_deinit(&pool);
	strbuf_deinit(&smaps);
	vec_deinit(&suspects);
}
