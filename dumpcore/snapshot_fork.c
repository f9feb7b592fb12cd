/* fork: a clone of the target keeps its memory as it was at one instant, and is read while the
 * target runs on. The stop lasts as long as the clone does: the kernel copies page tables, 20 to 45
 * ms for each GiB of small pages.
 *
 * Not all memory is in a clone. Memory shared with other processes changes while it is read and is
 * marked as torn; memory that the program keeps from its children is copied in the stop, once the
 * clone is made and says what it has (kept.h). */
#include "dumpcore/copy.h"
#include "dumpcore/describe.h"
#include "dumpcore/replica.h"
#include "dumpcore/snapshot.h"

#include "archive/format.h"
#include "base/fault.h"
#include "base/size.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Which process is asked for the pages of a range. */
enum asked { ASK_REPLICA, ASK_TARGET };

void snapshot_fork_reserve(struct snapshot *snapshot)
{
	kept_reserve(&snapshot->kept, &snapshot->reader, snapshot->ranges.capacity,
				 snapshot->maps.capacity, kept_expected(&snapshot->target->mappings));
}

/* --- memory --- */

static bool check_headroom(struct snapshot *snapshot, struct err *err)
{
	const struct target *target = snapshot->target;
	char left_text[SIZE_TEXT], floor_text[SIZE_TEXT];
	uint64_t floor, left;
	const char *what;

	headroom_open(&snapshot->headroom, &target->procfs,
				  documents_find(&target->documents, FORMAT_DOCUMENT_CGROUP));
	floor = guard_floor(&snapshot->headroom);
	left = headroom_left(&snapshot->headroom, &what);
	if (left >= 2 * floor)
		return true;
	snapshot->unsuited = true;
	err_set(err, ERR_LIMIT, "fork: %s leaves %s, too little for pages that exist twice (%s)", what,
			size_format(left, left_text), size_format(2 * floor, floor_text));
	return err_hint(err, "use --consistency precopy, which takes no memory of the target's");
}

/* Where another way stops the target too, it is better than memory that is read while it runs. */
static bool check_uncloned(struct snapshot *snapshot, uint64_t bytes, struct err *err)
{
	char text[SIZE_TEXT], most[SIZE_TEXT];

	if (bytes <= KEPT_BYTES || !snapshot->request.other_stops)
		return true;
	snapshot->unsuited = true;
	return err_set(err, ERR_LIMIT,
				   "fork: the process keeps %s from its children (MADV_DONTFORK), at most %s is "
				   "copied in the stop",
				   size_format(bytes, text), size_format(KEPT_BYTES, most));
}

static const char low_memory[] =
	"the snapshot was given up to keep the target's control group below its memory limit";

/* The reader saw the memory go; it was the guard that ended it. */
static void explain_guard(struct snapshot *snapshot, struct err *err)
{
	capture_gaps *errors = &snapshot->reader.errors;

	if (err) {
		snapshot->unsuited = true;
		err_set(err, ERR_LIMIT, "fork: %s", low_memory);
	}
	for (size_t i = 0; i < errors->count; i++)
		if (errors->items[i].reason == snapshot->broken)
			errors->items[i].reason = low_memory;
	if (snapshot->broken)
		snapshot->broken = low_memory;
}

/* --- the stop --- */

static bool clone_target(struct snapshot *snapshot, struct err *err)
{
	pid_t tid = replica_choose_thread(&snapshot->seize, err);

	return tid &&
		   replica_make(&snapshot->replica, &snapshot->site, tid, snapshot->through_seccomp, err);
}

/* What the clone lacks; it is opened here, for its maps and its pages. */
static bool keep_uncloned(struct snapshot *snapshot, struct err *err)
{
	struct replica *replica = &snapshot->replica;
	struct kept *kept = &snapshot->kept;
	struct pages clone = snapshot->pages; /* the same kernel, the same buffer */
	uint64_t bytes;
	bool copied;

	if (!replica_open(replica, snapshot->target->procfs.root, err) ||
		!kept_read_clone(kept, &replica->procfs, err))
		return false;
	clone.fd = procfs_open_file(&replica->procfs, "pagemap", O_RDONLY);
	if (clone.fd < 0)
		return err_sys(err, errno, "cannot open the pagemap of the snapshot child");
	copied = kept_find(kept, &snapshot->plan, &snapshot->ranges, &snapshot->pages, &clone, err) &&
			 kept_scan(kept, &snapshot->plan, &snapshot->pages, &bytes, err) &&
			 check_uncloned(snapshot, bytes, err) &&
			 kept_copy(kept, &snapshot->plan, &snapshot->reader, err);
	close(clone.fd);
	return copied;
}

static bool stop_and_clone(struct snapshot *snapshot, struct err *err)
{
	bool cloned;

	if (!seize_stop(&snapshot->seize, err))
		return false;
	fault_point("fork.stopped");
	cloned = describe_process(snapshot, err) && describe_mappings(snapshot, TORN_SHARED, err) &&
			 clone_target(snapshot, err) && keep_uncloned(snapshot, err);
	fault_point("fork.cloned");
	seize_release(&snapshot->seize);
	snapshot->outcome.pause_ns += seize_pause_ns(&snapshot->seize);
	fault_point("fork.released");
	return cloned;
}

/* --- reading the clone --- */

/* Of a mapped file the clone has what was written to it (if that), and of the rest the target
 * tells: both are asked. */
static bool is_asked(const struct plan_item *item, enum asked asked)
{
	if (asked == ASK_REPLICA)
		return item->is_cloned || (item->is_file && !item->is_shared);
	return !item->is_cloned || item->is_file;
}

/* The ranges of the snapshot that are asked of that process; the rest is not in `out`. */
static void choose_ranges(const struct snapshot *snapshot, enum asked asked, pages_ranges *out)
{
	out->count = 0;
	for (size_t i = 0; i < snapshot->ranges.count; i++) {
		const struct plan_item *item = &snapshot->plan.items.items[i];

		if (is_asked(item, asked) && !kept_has(&snapshot->kept, item->range))
			*vec_add(out) = snapshot->ranges.items[i];
	}
}

/* A page is as it was kept, else as the clone has it, else as the target has it now. */
static void make_map(struct snapshot *snapshot, const struct page_map *cloned,
					 const struct page_map *other)
{
	struct page_map there = { 0 };
	const struct page_map *const layers[] = { &snapshot->kept.map, &there, other };

	for (size_t i = 0; i < cloned->runs.count; i++)
		if (cloned->runs.items[i].state != PAGE_ABSENT)
			page_map_append(&there, cloned->runs.items[i].range, cloned->runs.items[i].state);
	snapshot->map.page_size = snapshot->pages.page_size;
	for (size_t i = 0; i < snapshot->ranges.count; i++)
		page_map_append_layers(&snapshot->map, layers, 3, snapshot->ranges.items[i].range);
	page_map_deinit(&there);
}

static bool scan_pages(struct snapshot *snapshot, struct err *err)
{
	struct page_map cloned = { 0 }, other = { 0 };
	pages_ranges ranges = { 0 };
	struct pages replica;
	bool scanned;

	choose_ranges(snapshot, ASK_REPLICA, &ranges);
	scanned = pages_open(&replica, &snapshot->replica.procfs, err) &&
			  pages_scan(&replica, &ranges, &cloned, err);
	pages_close(&replica);
	if (scanned) {
		choose_ranges(snapshot, ASK_TARGET, &ranges);
		/* A target that has ended meanwhile has no other pages: no error of the snapshot. */
		pages_scan(&snapshot->pages, &ranges, &other, NULL);
		make_map(snapshot, &cloned, &other);
		kept_note_wiped(&snapshot->kept, &snapshot->plan, &snapshot->pages,
						&snapshot->replica.procfs, &cloned, &snapshot->reader);
	}
	page_map_deinit(&cloned);
	page_map_deinit(&other);
	vec_deinit(&ranges);
	return scanned;
}

static bool copy_replica(struct snapshot *snapshot, struct err *err)
{
	if (!reader_switch(&snapshot->reader, &snapshot->replica.procfs, err) ||
		!scan_pages(snapshot, err))
		return false;
	describe_write(snapshot);
	fault_point("fork.described");
	copy_memory(snapshot);
	return true;
}

/* --- the end of the clone --- */

/* A short stop of one thread. What fails here costs the target a zombie, and dumpcore cleanup takes
 * it away. */
static void reap(struct snapshot *snapshot)
{
	pid_t tid = seize_stop_one(&snapshot->seize, inject_suits, NULL);

	if (tid) {
		replica_reap(&snapshot->replica, &snapshot->site, tid, snapshot->through_seccomp, NULL);
		seize_release(&snapshot->seize);
		snapshot->outcome.pause_ns += seize_pause_ns(&snapshot->seize);
	}
}

static void end_clone(struct snapshot *snapshot)
{
	replica_end(&snapshot->replica);
	fault_point("fork.ended");
	if (snapshot->replica.target_pid)
		reap(snapshot);
}

bool snapshot_fork_take(struct snapshot *snapshot, struct err *err)
{
	bool taken;

	if (!check_headroom(snapshot, err) ||
		!check_uncloned(snapshot, kept_expected(&snapshot->target->mappings), err))
		return false;
	if (!stop_and_clone(snapshot, err)) {
		end_clone(snapshot);
		return false;
	}
	guard_start(&snapshot->guard, &snapshot->headroom, snapshot->replica.pid);
	taken = copy_replica(snapshot, err);
	if (guard_stop(&snapshot->guard)) {
		taken = taken && !(snapshot->broken && snapshot->request.may_give_up);
		explain_guard(snapshot, taken ? NULL : err);
	}
	end_clone(snapshot);
	return taken;
}
