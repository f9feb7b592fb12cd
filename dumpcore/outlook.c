#include "dumpcore/outlook.h"

#include "archive/format.h"
#include "base/progress.h"
#include "base/size.h"
#include "dumpcore/guard.h"
#include "dumpcore/headroom.h"
#include "dumpcore/inject.h"
#include "dumpcore/kept.h"
#include "dumpcore/spool.h"
#include "dumpcore/track.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Costs, measured on Linux 6.18 with two processors and 4 KiB pages, on the safe side. */
enum {
	STOP_NS = 300000,   /* to begin and end a stop */
	THREAD_NS = 15000,  /* to stop a thread and read its registers */
	CLONE_PAGE_NS = 80, /* of a clone, for a page */
	CLONE_MAPPING_NS = 1000,
	WRITTEN_GIB_NS = 400000, /* to ask which pages of a GiB were written */
	WRITTEN_MAPPING_NS = 1000,
	LIKELY_WRITTEN_NS = 500000, /* to copy what a quiet process writes between two rounds */
	PAGE = 4096,
	MAPS_LIMIT = 1 << 30,
	OVERCOMMIT_NEVER = 2, /* vm.overcommit_memory */
	SMALL = 1 << 16,
};

#define FREEZE_BYTES_PER_NS 2.5
#define KEEP_BYTES_PER_NS 1.3 /* some of it into pages that are new to us */

/* What all ways need to know of the target. */
struct facts {
	uint64_t clone_pages;     /* page table entries that a clone copies */
	uint64_t private_bytes;   /* that the target could write while a clone lives */
	uint64_t accounted_bytes; /* that the kernel would commit for a clone */
	uint64_t kept_bytes;      /* that are copied in the stop because a clone does not get them */
	int64_t maps_ns;
	int64_t stop_ns;
};

/* Reading maps now tells how long it will take in the stop. */
static int64_t time_maps(const struct target *target)
{
	struct strbuf text = { 0 };
	int64_t started = progress_now_ns();

	procfs_read(&target->procfs, "maps", MAPS_LIMIT, &text, NULL);
	strbuf_deinit(&text);
	return 2 * (progress_now_ns() - started); /* and to understand it */
}

static struct facts look(const struct target *target)
{
	struct facts facts = { .maps_ns = time_maps(target) };

	for (size_t i = 0; i < target->mappings.count; i++) {
		const struct mapping *mapping = &target->mappings.items[i];

		if (mapping->protection & MAPPING_SHARED)
			continue;
		facts.private_bytes += mapping->anonymous_bytes;
		facts.clone_pages += (mapping->anonymous_bytes - mapping->huge_bytes) / PAGE;
		if (mapping_has_flag(mapping, "ac"))
			facts.accounted_bytes += range_bytes(mapping->range);
	}
	facts.kept_bytes = kept_expected(&target->mappings);
	if (facts.kept_bytes > KEPT_BYTES)
		facts.kept_bytes = KEPT_BYTES;
	facts.stop_ns = STOP_NS + (int64_t)target->threads * THREAD_NS;
	return facts;
}

/* --- what makes a way impossible --- */

static void refuse(struct outlook_way *way, const struct err *err)
{
	way->usable = false;
	snprintf(way->why_not, sizeof way->why_not, "%s", err->what);
}

static bool check_commit(const struct target *target, const struct facts *facts, struct err *err)
{
	struct strbuf mode = { 0 }, memory = { 0 };
	char needed[SIZE_TEXT], available[SIZE_TEXT];
	uint64_t limit = 0, used = 0;
	bool never =
		procfs_read_root(&target->procfs, "sys/vm/overcommit_memory", SMALL, &mode, NULL) &&
		strtol(strbuf_text(&mode), NULL, 10) == OVERCOMMIT_NEVER;
	bool fits = !never || !procfs_read_root(&target->procfs, "meminfo", SMALL, &memory, NULL) ||
				!proc_text_number(strbuf_span(&memory), "CommitLimit", &limit) ||
				!proc_text_number(strbuf_span(&memory), "Committed_AS", &used) ||
				(used < limit && facts->accounted_bytes < limit - used);

	strbuf_deinit(&mode);
	strbuf_deinit(&memory);
	return fits || err_set(err, ERR_LIMIT,
						   "vm.overcommit_memory is 2: a clone needs %s committed, %s are left",
						   size_format(facts->accounted_bytes, needed),
						   size_format(used < limit ? limit - used : 0, available));
}

static bool check_headroom(const struct target *target, struct err *err)
{
	char left_text[SIZE_TEXT], needed[SIZE_TEXT];
	struct headroom headroom;
	uint64_t left, floor;
	const char *what;

	headroom_open(&headroom, &target->procfs,
				  documents_find(&target->documents, FORMAT_DOCUMENT_CGROUP));
	floor = guard_floor(&headroom);
	left = headroom_left(&headroom, &what);
	if (left < 2 * floor)
		err_set(err, ERR_LIMIT, "%s leaves %s; a clone is not made below %s", what,
				size_format(left, left_text), size_format(2 * floor, needed));
	headroom_close(&headroom);
	return left >= 2 * floor;
}

static bool check_precopy(const struct outlook_request *request, struct err *err)
{
	const char *why;

	if (!track_possible(&why))
		return err_set(err, ERR_UNSUPPORTED, "%s", why);
	if (request->choice->most_bytes || request->choice->read_swapped)
		return err_set(err, ERR_UNSUPPORTED, "it cannot be had with --max-size or --swap read");
	return !request->spool_folder ||
		   spool_check(request->spool_folder, request->spool_asked, request->file_bytes, err);
}

static bool check(const struct snapshot_method *method, const struct target *target,
				  const struct outlook_request *request, const struct facts *facts, struct err *err)
{
	struct inject_site site;
	bool through;

	if (!request->may_read)
		return err_set(err, ERR_PERMISSION, "access is refused");
	if (method->stops && target->access.tracer)
		return err_set(err, ERR_PERMISSION, "process %d is traced already, by process %d",
					   (int)target->procfs.pid, (int)target->access.tracer);
	if (!method->injects)
		return true;
	inject_find_site(&target->mappings, &site);
	if (!site.code)
		return err_set(err, ERR_UNSUPPORTED, "%s", site.why);
	if (!target_check_filter(target, &through, err))
		return false;
	if (method->rewrites)
		return check_precopy(request, err);
	/* The guard could not end it either, when the control group nears its limit. */
	if (!access_may_kill(&target->access))
		return err_set(err, ERR_PERMISSION,
					   "it takes CAP_KILL to end a clone of another user's process");
	return check_commit(target, facts, err) && check_headroom(target, err);
}

/* --- what a way costs --- */

static int64_t pause_of(const struct snapshot_method *method, const struct target *target,
						const struct outlook_request *request, const struct facts *facts)
{
	int64_t count = (int64_t)target->mappings.count;

	if (!method->stops)
		return 0;
	if (method->rewrites)
		return 2 * facts->stop_ns + facts->maps_ns + LIKELY_WRITTEN_NS +
			   (int64_t)(request->selected_bytes / (1 << 20)) * (WRITTEN_GIB_NS / 1024) +
			   count * WRITTEN_MAPPING_NS;
	if (method->injects)
		return 2 * facts->stop_ns + 2 * facts->maps_ns +
			   (int64_t)facts->clone_pages * CLONE_PAGE_NS + count * CLONE_MAPPING_NS +
			   (int64_t)((double)facts->kept_bytes / KEEP_BYTES_PER_NS);
	return facts->stop_ns + facts->maps_ns +
		   (int64_t)((double)request->selected_bytes / FREEZE_BYTES_PER_NS);
}

static void check_pause(struct outlook_way *way, int64_t most)
{
	struct err err = { 0 };

	if (!most || !way->usable || way->pause_ns <= most)
		return;
	err_set(
		&err, ERR_LIMIT,
		"it would stop the process for about %.0f ms, longer than the %.0f ms it may (--max-pause)",
		(double)way->pause_ns / 1e6, (double)most / 1e6);
	refuse(way, &err);
}

static bool is_better(const struct outlook_way *a, const struct outlook_way *b)
{
	if (a->usable != b->usable)
		return a->usable;
	if (a->method->stops != b->method->stops)
		return a->method->stops;
	return a->pause_ns < b->pause_ns;
}

/* Puts the way in its place among those before it. */
static void add_way(struct outlook *outlook, const struct outlook_way *way)
{
	size_t at = outlook->count++;

	for (; at && is_better(way, &outlook->ways[at - 1]); at--)
		outlook->ways[at] = outlook->ways[at - 1];
	outlook->ways[at] = *way;
}

void outlook_make(struct outlook *outlook, struct target *target,
				  const struct outlook_request *request)
{
	struct facts facts = look(target);

	outlook->count = 0;
	for (size_t i = 0; i < OUTLOOK_WAYS && snapshot_method_at(i); i++) {
		struct outlook_way way = { .method = snapshot_method_at(i), .usable = true };
		struct err err = { 0 };

		way.pause_ns = pause_of(way.method, target, request, &facts);
		way.memory_bytes = way.method->injects && !way.method->rewrites ? facts.private_bytes : 0;
		if (!check(way.method, target, request, &facts, &err))
			refuse(&way, &err);
		check_pause(&way, request->most_pause_ns);
		add_way(outlook, &way);
	}
}

const struct outlook_way *outlook_find(const struct outlook *outlook, const char *name)
{
	for (size_t i = 0; i < outlook->count; i++)
		if (strcmp(outlook->ways[i].method->name, name) == 0)
			return &outlook->ways[i];
	return NULL;
}
