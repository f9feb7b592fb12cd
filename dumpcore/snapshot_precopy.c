/* precopy: memory is copied while the target runs and the kernel notes which pages are written
 * meanwhile (track.h). Written pages are copied again, until few are left; then the target is
 * stopped, and what was written since is copied into memory of our own. The stop lasts as long as
 * asking for the written pages (0.3 ms/GiB) and copying them does.
 *
 * What stands in the file where (the slots) is laid out before the stop; what became of it is put
 * right after it (precopy_finish.h). */
#include "base/fault.h"
#include "base/size.h"
#include "dumpcore/copy.h"
#include "dumpcore/describe.h"
#include "dumpcore/precopy_finish.h"
#include "dumpcore/snapshot.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	HELD_BYTES = 24 << 20,  /* most that is copied in the stop */
	WRITTEN_RANGES = 65536, /* beyond it ranges are joined */
	SAMPLE_NS = 10000000,   /* how long written pages are counted before anything is copied */
	ROUNDS = 6,
	FEW_BYTES = 256 << 10, /* so few that another round gains nothing */
	COPY_BYTES_PER_US = 2500,
	STOP_THREAD_NS = 15000,
};

void snapshot_precopy_reserve(struct snapshot *snapshot)
{
	struct precopy *precopy = &snapshot->precopy;
	size_t runs = snapshot->map.runs.capacity;

	precopy->held = mmap(NULL, HELD_BYTES, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (precopy->held == MAP_FAILED)
		precopy->held = NULL;
	precopy->written.items = mem_resize(NULL, WRITTEN_RANGES, sizeof *precopy->written.items);
	precopy->written.capacity = WRITTEN_RANGES;
	precopy->ask.items = mem_resize(NULL, WRITTEN_RANGES, sizeof *precopy->ask.items);
	precopy->ask.capacity = WRITTEN_RANGES;
	page_map_reserve(&precopy->changed, runs);
}

void snapshot_precopy_deinit(struct snapshot *snapshot)
{
	struct precopy *precopy = &snapshot->precopy;

	track_close(&precopy->track);
	if (precopy->held)
		munmap(precopy->held, HELD_BYTES);
	page_map_deinit(&precopy->before);
	page_map_deinit(&precopy->changed);
	vec_deinit(&precopy->slots);
	vec_deinit(&precopy->written);
	vec_deinit(&precopy->ask);
	vec_deinit(&precopy->placed);
}

/* --- before the copy --- */

/* A stop of one thread, for as long as it makes the userfaultfd. */
static bool begin_tracking(struct snapshot *snapshot, struct err *err)
{
	struct track *track = &snapshot->precopy.track;
	pid_t pid = snapshot->target->procfs.pid, tid;
	bool opened;

	if (!track_prepare(track, snapshot->pages.fd, err))
		return false;
	tid = seize_stop_one(&snapshot->seize, inject_suits, err);
	if (!tid)
		return false;
	fault_point("precopy.held");
	opened = track_open(track, &snapshot->site, pid, tid, snapshot->through_seccomp, err);
	fault_point("precopy.opened");
	seize_release(&snapshot->seize);
	snapshot->outcome.pause_ns += seize_pause_ns(&snapshot->seize);
	return opened;
}

static void track_items(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->plan.items.count; i++) {
		const struct plan_item *item = &snapshot->plan.items.items[i];

		if (precopy_is_tracked(item) && (item->resident_bytes || item->swapped_bytes) &&
			!item->is_huge)
			track_add(&snapshot->precopy.track, item->range);
	}
}

/* What is known before the stop serves if the target ends before it. The threads come before one of
 * them makes the userfaultfd: it may still be on its way back to what it waits for, and of a thread
 * that runs the kernel tells no register. */
static bool describe_threads(struct snapshot *snapshot, struct err *err)
{
	int64_t started = progress_now_ns();
	bool described = describe_process(snapshot, err);

	snapshot->precopy.maps_ns = progress_now_ns() - started;
	return described;
}

static bool describe_memory(struct snapshot *snapshot, struct err *err)
{
	int64_t started = progress_now_ns();

	if (!describe_mappings(snapshot, TORN_SHARED, err))
		return false;
	snapshot->precopy.maps_ns += progress_now_ns() - started;
	track_items(snapshot);
	fault_point("precopy.tracked");
	if (!track_protect(&snapshot->precopy.track, err) ||
		!pages_scan(&snapshot->pages, &snapshot->ranges, &snapshot->map, err))
		return false;
	fault_point("precopy.protected");
	plan_lay_out(&snapshot->plan, &snapshot->map);
	return true;
}

static uint64_t sum_ranges(const track_ranges *ranges)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ranges->count; i++)
		bytes += range_bytes(ranges->items[i]);
	return bytes;
}

/* What was written in the slots since it was asked last; protected again. */
static bool collect(struct snapshot *snapshot, struct err *err)
{
	struct precopy *precopy = &snapshot->precopy;
	const plan_segments *segments = &snapshot->plan.segments;
	int64_t started = progress_now_ns();

	precopy->written.count = 0;
	for (size_t i = 0; i < segments->count; i++) {
		struct range range = { segments->items[i].start,
							   segments->items[i].start + segments->items[i].bytes };

		if (!track_collect(&precopy->track, range, &precopy->written, err))
			return false;
	}
	precopy->scan_ns = progress_now_ns() - started;
	return true;
}

/* How long the stop would be if that much was written. */
static int64_t forecast(const struct snapshot *snapshot, uint64_t bytes)
{
	const struct precopy *precopy = &snapshot->precopy;

	return precopy->maps_ns + precopy->scan_ns +
		   (int64_t)snapshot->target->threads * STOP_THREAD_NS +
		   (int64_t)(bytes / COPY_BYTES_PER_US * 1000);
}

/* Gives up a pre-copy that would stop the target for too long. */
static bool check_forecast(struct snapshot *snapshot, uint64_t bytes, struct err *err)
{
	int64_t pause = forecast(snapshot, bytes);
	char text[SIZE_TEXT];

	if (bytes <= HELD_BYTES &&
		(!snapshot->request.most_pause_ns || pause <= snapshot->request.most_pause_ns))
		return true;
	snapshot->unsuited = true;
	err_set(err, ERR_LIMIT,
			"precopy: the process writes to %s in %d ms, the stop would take about %.1f ms",
			size_format(bytes, text), SAMPLE_NS / 1000000, (double)pause / 1e6);
	return err_hint(err, "use --consistency fork, which does not care how much is written");
}

/* Untracked memory counts as written always: track_collect tells of it as well. */
static bool sample(struct snapshot *snapshot, struct err *err)
{
	struct timespec window = { .tv_nsec = SAMPLE_NS };

	if (!collect(snapshot, err))
		return false;
	nanosleep(&window, NULL);
	return collect(snapshot, err) &&
		   check_forecast(snapshot, sum_ranges(&snapshot->precopy.written), err);
}

/* --- the copy, while the target runs --- */

static void copy_all(struct snapshot *snapshot)
{
	struct precopy *precopy = &snapshot->precopy;
	uint64_t offset = snapshot->pages.page_size;

	for (size_t i = 0; i < snapshot->plan.segments.count; i++) {
		struct writer_segment slot = snapshot->plan.segments.items[i];

		slot.offset = offset;
		offset += slot.bytes;
		*vec_add(&precopy->slots) = slot;
	}
	snapshot->writer = (struct writer){ .sink = snapshot->sink,
										.page_size = snapshot->pages.page_size,
										.segments = precopy->slots.items,
										.segment_count = precopy->slots.count };
	writer_begin_memory(&snapshot->writer);
	copy_memory(snapshot);
}

/* Reads pages into the room for those of the stop, which is free until then, and puts them where
 * they stand in the file. Pages that cannot be read are gone: the stop will tell. */
static bool copy_part(struct snapshot *snapshot, const struct writer_segment *slot,
					  struct range part)
{
	uint8_t *held = snapshot->precopy.held;
	size_t bytes = (size_t)range_bytes(part);

	if (!reader_fill(&snapshot->reader, part.start, held, bytes))
		return false;
	sink_rewrite(snapshot->sink, slot->offset + (part.start - slot->start), held, bytes);
	return true;
}

/* Slot by slot: where the table of written ranges was full, a range covers what lies between. */
static void copy_again(struct snapshot *snapshot, struct range range)
{
	while (range.start < range.end && !snapshot->broken) {
		const struct writer_segment *slot =
			plan_segments_next(&snapshot->precopy.slots, range.start);
		struct range part;

		if (!slot)
			return;
		part = range_overlap((struct range){ slot->start, slot->start + slot->bytes }, range);
		if (range_bytes(part) > HELD_BYTES)
			part.end = part.start + HELD_BYTES;
		if (!range_bytes(part) || !copy_part(snapshot, slot, part))
			return;
		range.start = part.end;
	}
}

/* Copies what was written, again and again, until that is little or does not become less. Once it
 * is little enough for the stop, this thread goes before others: every millisecond it waits for its
 * turn the target writes more, and the rounds that are left take less than the stop they shorten
 * would. */
static void copy_rounds(struct snapshot *snapshot, struct priority *priority)
{
	struct precopy *precopy = &snapshot->precopy;
	uint64_t last = UINT64_MAX;

	for (int round = 0; round < ROUNDS && !snapshot->broken && sink_ok(snapshot->sink); round++) {
		uint64_t bytes;

		if (!collect(snapshot, NULL))
			return; /* the target ended: the stop will tell */
		bytes = sum_ranges(&precopy->written);
		if (bytes <= HELD_BYTES)
			priority_raise(priority);
		for (size_t i = 0; i < precopy->written.count; i++)
			copy_again(snapshot, precopy->written.items[i]);
		fault_point("precopy.round");
		if (bytes <= FEW_BYTES || bytes > last - last / 4)
			break;
		last = bytes;
	}
}

/* --- the stop --- */

/* Modules' first pages and the vdso do not change: they are in their slots, or they are new. */
static bool is_copied_once(const struct precopy *precopy, const struct plan_item *item)
{
	return !precopy_is_tracked(item) && plan_segments_find(&precopy->slots, item->range.start);
}

static bool find_written(struct snapshot *snapshot, struct err *err)
{
	struct precopy *precopy = &snapshot->precopy;

	precopy->written.count = 0;
	for (size_t i = 0; i < snapshot->plan.items.count; i++) {
		const struct plan_item *item = &snapshot->plan.items.items[i];
		struct range range = item->range;

		if (!item->selected || item->is_shared || is_copied_once(precopy, item))
			continue;
		if (item->first_page)
			range.end = range.start + snapshot->pages.page_size;
		if (!track_final(&precopy->track, range, &precopy->before, &precopy->written, err))
			return false;
	}
	precopy->ask.count = 0;
	for (size_t i = 0; i < precopy->written.count; i++)
		*vec_add(&precopy->ask) =
			(struct pages_range){ precopy->written.items[i], PAGE_PRESENT, false };
	return pages_scan(&snapshot->pages, &precopy->ask, &precopy->changed, err);
}

static bool hold_written(struct snapshot *snapshot, struct err *err)
{
	struct precopy *precopy = &snapshot->precopy;
	uint64_t bytes = page_map_resident(&precopy->changed, (struct range){ 0, UINT64_MAX });

	if (bytes > HELD_BYTES)
		return check_forecast(snapshot, bytes, err);
	precopy->held_bytes = 0;
	for (size_t i = 0; i < precopy->changed.runs.count; i++) {
		const struct page_run *run = &precopy->changed.runs.items[i];

		if (run->state != PAGE_PRESENT)
			continue;
		if (!reader_fill(&snapshot->reader, run->range.start, precopy->held + precopy->held_bytes,
						 range_bytes(run->range)))
			return err_set(err, ERR_GONE, "process %d has ended",
						   (int)snapshot->target->procfs.pid);
		precopy->held_bytes += range_bytes(run->range);
	}
	return true;
}

static bool stop_and_hold(struct snapshot *snapshot, struct err *err)
{
	bool held;

	describe_again(snapshot);
	if (!seize_stop(&snapshot->seize, err)) {
		describe_settle(snapshot, false);
		return false;
	}
	fault_point("precopy.stopped");
	held = describe_process(snapshot, err) && describe_mappings(snapshot, TORN_SHARED, err) &&
		   find_written(snapshot, err) && hold_written(snapshot, err);
	fault_point("precopy.copied");
	seize_release(&snapshot->seize);
	snapshot->outcome.pause_ns += seize_pause_ns(&snapshot->seize);
	fault_point("precopy.released");
	describe_settle(snapshot, held);
	return held;
}

static bool check_room(struct snapshot *snapshot, struct err *err)
{
	char text[SIZE_TEXT];

	if (snapshot->precopy.held)
		return true;
	snapshot->unsuited = true;
	return err_set(err, ERR_LIMIT, "precopy: no %s of memory for what is copied in the stop",
				   size_format(HELD_BYTES, text));
}

/* What fits into a limit is known only in the stop, and what is read from swap before it counts in
 * the RSS of then. */
static bool check_choice(struct snapshot *snapshot, struct err *err)
{
	const struct choice *choice = snapshot->request.choice;

	if (!choice->most_bytes && !choice->read_swapped)
		return true;
	snapshot->unsuited = true;
	err_set(err, ERR_UNSUPPORTED, "precopy does not go with %s",
			choice->most_bytes ? "--max-size" : "--swap read");
	return err_hint(err, "use --consistency fork or freeze with it");
}

bool snapshot_precopy_take(struct snapshot *snapshot, struct err *err)
{
	struct precopy *precopy = &snapshot->precopy;
	struct priority priority = { 0 };
	bool held;

	if (!check_choice(snapshot, err) || !check_room(snapshot, err) ||
		!describe_threads(snapshot, err) || !begin_tracking(snapshot, err) ||
		!describe_memory(snapshot, err) || !sample(snapshot, err))
		return false;
	copy_all(snapshot);
	fault_point("precopy.all");
	copy_rounds(snapshot, &priority);
	precopy->before = snapshot->map;
	snapshot->map = (struct page_map){ 0 };
	held = !snapshot->broken && stop_and_hold(snapshot, err);
	priority_restore(&priority);
	if (held) {
		precopy_finish(snapshot);
		return true;
	}
	if (!snapshot->broken && (snapshot->unsuited || err->kind != ERR_GONE))
		return false;
	*err = (struct err){ 0 };
	precopy_finish_partial(snapshot);
	return true;
}
