#include "dumpcore/copy.h"

static const char ended[] = "the process ended, or replaced its program, before this was read";
static const char scarce[] = "the disk is down to its reserve (--reserve-disk)";
static const char interrupted[] = "interrupted before this was read";

/* The stop has lasted as long as it may: the target goes on, and what was not read yet is torn. */
static void run_on(struct snapshot *snapshot, vaddr address)
{
	if (!snapshot->deadline_ns || progress_now_ns() < snapshot->deadline_ns)
		return;
	seize_release(&snapshot->seize);
	snapshot->outcome.torn_from = address;
	snapshot->deadline_ns = 0;
	sink_set_deadline(snapshot->sink, 0);
}

/* Fills the room that the sink has and gives the bytes filled; 0 where the copy ends here. */
static size_t copy_piece(struct snapshot *snapshot, struct range range)
{
	size_t room, size;
	uint8_t *to = sink_room(snapshot->sink, &room);

	run_on(snapshot, range.start);
	if (!to && snapshot->outcome.torn_from == range.start)
		to = sink_room(snapshot->sink, &room);
	if (!to) {
		if (sink_ok(snapshot->sink))
			snapshot->broken = sink_is_scarce(snapshot->sink) ? scarce : interrupted;
		return 0;
	}
	size = room < range_bytes(range) ? room : (size_t)range_bytes(range);
	if (!reader_fill(&snapshot->reader, range.start, to, size)) {
		snapshot->broken = ended;
		return 0;
	}
	sink_commit(snapshot->sink, size);
	progress_add(snapshot->progress, size);
	return size;
}

/* Gives the address reached: the range's end, or where the copy ended. */
static vaddr copy_range(struct snapshot *snapshot, struct range range)
{
	size_t size;

	for (; range.start < range.end; range.start += size) {
		size = copy_piece(snapshot, range);
		if (!size)
			break;
	}
	return range.start;
}

/* A hole takes frames of the sink too: its end must not be waited for beyond the deadline either.
 */
static void copy_hole(struct snapshot *snapshot, struct range hole)
{
	while (hole.start < hole.end) {
		size_t room;

		sink_room(snapshot->sink, &room);
		run_on(snapshot, hole.start);
		if (!room || room > range_bytes(hole))
			room = (size_t)range_bytes(hole);
		sink_hole(snapshot->sink, room);
		hole.start += room;
	}
}

static bool is_stored(const struct snapshot *snapshot, const struct page_run *run)
{
	return plan_reads(&snapshot->plan, run->state) ||
		   range_bytes(range_overlap(run->range, snapshot->plan.whole));
}

static vaddr copy_segment(struct snapshot *snapshot, struct range segment)
{
	const struct page_map *map = &snapshot->map;

	writer_segment(&snapshot->writer);
	for (size_t i = page_map_find(map, segment.start);
		 i < map->runs.count && map->runs.items[i].range.start < segment.end; i++) {
		struct range part = range_overlap(map->runs.items[i].range, segment);
		vaddr reached;

		if (!is_stored(snapshot, &map->runs.items[i])) {
			copy_hole(snapshot, part);
			continue;
		}
		reached = copy_range(snapshot, part);
		if (reached < part.end)
			return reached;
	}
	return segment.end;
}

static struct range segment_range(const struct snapshot *snapshot, size_t index)
{
	const struct writer_segment *segment = &snapshot->plan.segments.items[index];

	return (struct range){ segment->start, segment->start + segment->bytes };
}

/* The part of a segment that was not reached; the writer leaves a hole there. */
static void add_unread(struct snapshot *snapshot, vaddr from, size_t index)
{
	struct range left = { from, segment_range(snapshot, index).end };

	if (snapshot->broken)
		reader_add_error(&snapshot->reader, left, snapshot->broken);
}

void copy_memory(struct snapshot *snapshot)
{
	progress_start(snapshot->progress, "capturing", snapshot->plan.memory_bytes);
	for (size_t i = 0; i < snapshot->plan.segments.count; i++) {
		struct range segment = segment_range(snapshot, i);
		vaddr reached = snapshot->broken || !sink_ok(snapshot->sink)
							? segment.start
							: copy_segment(snapshot, segment);

		if (reached < segment.end)
			add_unread(snapshot, reached, i);
	}
	progress_end(snapshot->progress);
}
