#include "dumpcore/precopy_finish.h"

#include "archive/format.h"
#include "base/fault.h"
#include "dumpcore/describe.h"

#include <elf.h>
#include <string.h>

enum { PIECE_BYTES = 64 << 10 };

bool precopy_is_tracked(const struct plan_item *item)
{
	return item->selected && !item->is_shared && !item->first_page && item->kind != PLAN_VDSO;
}

/* Pages of what is not tracked are asked for now: they are in the account, not in the archive, or
 * marked as torn. */
static void scan_others(struct snapshot *snapshot, struct page_map *others)
{
	pages_ranges ranges = { 0 };

	for (size_t i = 0; i < snapshot->ranges.count; i++)
		if (!precopy_is_tracked(&snapshot->plan.items.items[i]))
			*vec_add(&ranges) = snapshot->ranges.items[i];
	pages_scan(&snapshot->pages, &ranges, others, NULL);
	vec_deinit(&ranges);
}

/* The state of each page: as it was found in the stop where it was written, else as before it. */
static void make_map(struct snapshot *snapshot)
{
	struct page_map others = { .page_size = snapshot->pages.page_size };
	const struct page_map *const layers[] = { &snapshot->precopy.changed, &others,
											  &snapshot->precopy.before };

	scan_others(snapshot, &others);
	snapshot->map.page_size = snapshot->pages.page_size;
	for (size_t i = 0; i < snapshot->ranges.count; i++)
		page_map_append_layers(&snapshot->map, layers, 3, snapshot->ranges.items[i].range);
	page_map_deinit(&others);
}

/* Splits the segments where their bytes are in different places: in slots, or behind them. */
static void place_segments(struct snapshot *snapshot)
{
	struct precopy *precopy = &snapshot->precopy;
	uint64_t behind = sink_offset(snapshot->sink);

	for (size_t i = 0; i < snapshot->plan.segments.count; i++) {
		struct writer_segment left = snapshot->plan.segments.items[i];

		while (left.bytes) {
			struct writer_segment part = left;
			const struct writer_segment *slot = plan_segments_next(&precopy->slots, left.start);
			bool inside = slot && slot->start <= left.start;
			vaddr end = left.start + left.bytes, border = inside ? slot->start + slot->bytes
														  : slot ? slot->start
																 : end;

			part.bytes = (border < end ? border : end) - left.start;
			part.offset = inside ? slot->offset + (left.start - slot->start) : behind;
			behind += inside ? 0 : part.bytes;
			*vec_add(&precopy->placed) = part;
			left.start += part.bytes;
			left.bytes -= part.bytes;
		}
	}
}

/* Goes through what was held in the stop, in ascending order. */
struct held {
	const struct precopy *precopy;
	size_t run;
	size_t offset; /* of the run's bytes in the held ones */
};

/* The bytes held of a page, or NULL where it was not. */
static const uint8_t *held_find(struct held *held, vaddr address, uint64_t *bytes)
{
	const struct page_map *changed = &held->precopy->changed;
	const struct page_run *run;

	while (held->run < changed->runs.count && changed->runs.items[held->run].range.end <= address) {
		run = &changed->runs.items[held->run++];
		if (run->state == PAGE_PRESENT)
			held->offset += range_bytes(run->range);
	}
	run = held->run < changed->runs.count ? &changed->runs.items[held->run] : NULL;
	if (!run || run->state != PAGE_PRESENT || run->range.start > address)
		return NULL;
	*bytes = run->range.end - address;
	return held->precopy->held + held->offset + (address - run->range.start);
}

/* Pages that were not there before, in segments behind the slots. What was not held is shared
 * memory, torn in any case: it is read now. */
static void append_range(struct snapshot *snapshot, struct held *held, struct range range)
{
	uint8_t piece[PIECE_BYTES];

	while (range.start < range.end) {
		uint64_t bytes = range_bytes(range), there = sizeof piece;
		const uint8_t *from = held_find(held, range.start, &there);

		bytes = there < bytes ? there : bytes;
		if (!from && !reader_fill(&snapshot->reader, range.start, piece, (size_t)bytes)) {
			reader_add_error(&snapshot->reader, range, "the process ended before this was read");
			return;
		}
		/* Not sink_room, which ends with an interruption: the headers are to tell of this. */
		sink_write(snapshot->sink, from ? from : piece, (size_t)bytes);
		range.start += bytes;
	}
}

static void append_segment(struct snapshot *snapshot, struct held *held,
						   const struct writer_segment *segment)
{
	struct range range = { segment->start, segment->start + segment->bytes };
	const struct page_map *map = &snapshot->map;

	sink_hole(snapshot->sink, segment->offset - sink_offset(snapshot->sink));
	for (size_t i = page_map_find(map, range.start);
		 i < map->runs.count && map->runs.items[i].range.start < range.end; i++) {
		struct range part = range_overlap(map->runs.items[i].range, range);

		if (map->runs.items[i].state == PAGE_PRESENT || map->runs.items[i].state == PAGE_TORN)
			append_range(snapshot, held, part);
		else
			sink_hole(snapshot->sink, range_bytes(part));
	}
}

/* What changed of a segment that stands in a slot. */
static void rewrite_segment(struct snapshot *snapshot, struct held *held,
							const struct writer_segment *segment)
{
	struct range range = { segment->start, segment->start + segment->bytes };
	const struct page_map *changed = &snapshot->precopy.changed;

	for (size_t i = page_map_find(changed, range.start);
		 i < changed->runs.count && changed->runs.items[i].range.start < range.end; i++) {
		struct range part = range_overlap(changed->runs.items[i].range, range);
		uint64_t offset = segment->offset + (part.start - segment->start), there;
		const uint8_t *from = held_find(held, part.start, &there);

		if (from)
			sink_rewrite(snapshot->sink, offset, from, (size_t)range_bytes(part));
		else
			sink_rewrite_hole(snapshot->sink, offset, range_bytes(part));
	}
}

static void finish_memory(struct snapshot *snapshot)
{
	struct precopy *precopy = &snapshot->precopy;
	struct held held = { .precopy = precopy };
	uint64_t behind = sink_offset(snapshot->sink);

	for (size_t i = 0; i < precopy->placed.count; i++) {
		const struct writer_segment *segment = &precopy->placed.items[i];

		if (segment->offset >= behind)
			append_segment(snapshot, &held, segment);
		else
			rewrite_segment(snapshot, &held, segment);
	}
}

/* Errors of the copy count where their pages were not copied again and are still in the archive. */
static void settle_errors(struct snapshot *snapshot)
{
	const struct page_map *const layers[] = { &snapshot->precopy.changed };
	capture_gaps errors = snapshot->reader.errors;
	uint64_t unread = 0;

	snapshot->reader.errors.count = 0;
	for (size_t i = 0; i < errors.count; i++) {
		struct capture_gap gap = errors.items[i];
		size_t at = page_map_find(layers[0], gap.range.start);
		bool again = at < layers[0]->runs.count &&
					 range_bytes(range_overlap(layers[0]->runs.items[at].range, gap.range));
		uint64_t bytes = page_map_resident(&snapshot->map, gap.range);

		if (again || !bytes)
			continue;
		snapshot->reader.errors.items[snapshot->reader.errors.count++] = gap;
		unread += bytes;
	}
	snapshot->reader.bytes = snapshot->plan.memory_bytes - unread;
}

void precopy_finish(struct snapshot *snapshot)
{
	struct precopy *precopy = &snapshot->precopy;

	track_close(&precopy->track);
	fault_point("precopy.closed");
	make_map(snapshot);
	plan_lay_out(&snapshot->plan, &snapshot->map);
	place_segments(snapshot);
	finish_memory(snapshot);
	settle_errors(snapshot);
	describe_write_last(snapshot, &precopy->placed);
}

/* The states of an item's pages as they were before; what was copied while it could change is
 * torn. */
static void append_torn(struct snapshot *snapshot, const struct plan_item *item)
{
	const struct page_map *before = &snapshot->precopy.before;
	bool torn = item->selected && item->flags & PF_W;

	for (size_t i = page_map_find(before, item->range.start);
		 i < before->runs.count && before->runs.items[i].range.start < item->range.end; i++) {
		enum page_state state = before->runs.items[i].state;

		page_map_append(&snapshot->map, range_overlap(before->runs.items[i].range, item->range),
						torn && state == PAGE_PRESENT ? PAGE_TORN : state);
	}
}

/* What was not copied stays a hole in its slot: the headers stand behind all slots, and no segment
 * reaches into them. */
static void skip_uncopied(struct snapshot *snapshot)
{
	const plan_segments *slots = &snapshot->precopy.slots;
	const struct writer_segment *last = slots->count ? &slots->items[slots->count - 1] : NULL;
	uint64_t at = sink_offset(snapshot->sink);

	if (last && at < last->offset + last->bytes)
		sink_hole(snapshot->sink, last->offset + last->bytes - at);
}

void precopy_finish_partial(struct snapshot *snapshot)
{
	struct precopy *precopy = &snapshot->precopy;

	if (!snapshot->broken) {
		snapshot->broken = "the process ended before it was stopped";
		reader_add_error(&snapshot->reader, (struct range){ 0, snapshot->pages.page_size },
						 snapshot->broken);
	}
	snapshot->consistency = "live";
	snapshot->map.page_size = snapshot->pages.page_size;
	for (size_t i = 0; i < snapshot->plan.items.count; i++)
		append_torn(snapshot, &snapshot->plan.items.items[i]);
	skip_uncopied(snapshot);
	describe_write_last(snapshot, &precopy->slots);
}
