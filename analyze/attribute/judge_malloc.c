#include "analyze/attribute/judge.h"

#include "analyze/attribute/buckets.h"
#include "analyze/attribute/heap_summary.h"

#include <string.h>

static const char *whole_name(const struct diagnosing *c)
{
	return c->report->memory.has_resident ? "the RSS" : "malloc's memory";
}

/* How far the heap's numbers can be trusted. */
static const char *heap_confidence(const struct diagnosing *c)
{
	if (!c->report->evidence.has_residency)
		return "low";
	if (!c->report->evidence.complete || c->facts->is_torn ||
		c->report->heap.totals.unwalkable.bytes)
		return "medium";
	return "high";
}

static uint64_t kept_in(const struct diagnosing *c, const struct report_arena *arena)
{
	return c->report->evidence.has_residency ? arena->free_resident_bytes
											 : heap_summary_free(arena).bytes;
}

static const struct report_arena *arena_with_most_kept(const struct diagnosing *c)
{
	const struct report_arena *most = NULL;

	for (size_t i = 0; i < c->report->heap.arenas.count; i++) {
		const struct report_arena *arena = &c->report->heap.arenas.items[i];

		if (!most || kept_in(c, arena) > kept_in(c, most))
			most = arena;
	}
	return most;
}

static const struct report_rule *rule_with_most(const struct report *report, bool live)
{
	const struct report_rule *most = NULL;
	uint64_t bytes = 0;

	for (size_t i = 0; i < report->content.rules.count; i++) {
		const struct report_rule *rule = &report->content.rules.items[i];
		uint64_t has = live ? rule->live.bytes : rule->stale.bytes;

		if (has > bytes) {
			bytes = has;
			most = rule;
		}
	}
	return most;
}

static void say_kept(const struct diagnosing *c, struct candidate *d, uint64_t kept)
{
	const struct report_arena *most = arena_with_most_kept(c);
	const struct report_rule *stale = rule_with_most(c->report, false);

	JUDGE_SAY(c, d, "%s (%.0f %% of %s) are chunks that the program has freed and glibc keeps.",
			  judge_size(c, kept), judge_percent(c, kept), whole_name(c));
	if (c->report->heap.arenas.count > 1)
		JUDGE_SAY(c, d, "They lie in %zu arenas; arena %u has most, %s of %s.",
				  c->report->heap.arenas.count, most->index, judge_size(c, kept_in(c, most)),
				  judge_size(c, most->system_bytes));
	/* a rule that knows a few of the bytes does not tell what the others were */
	if (stale && stale->stale.bytes >= kept / 10)
		JUDGE_SAY(c, d, "What they were used for: rule %s recognises %s of freed memory (%s).",
				  stale->id, judge_size(c, stale->stale.bytes), stale->title);
}

static const char *trim_step(const struct diagnosing *c, uint64_t trimmable)
{
	return pool_printf(&c->report->pool, "%s and see whether the RSS falls by about %s.",
					   c->facts->is_java
						   ? "Run `jcmd PID System.trim_native_heap` (JDK 18 and later; else call "
							 "malloc_trim(0) from native code)"
						   : "Call malloc_trim(0) in the process, from its code or, in a quiet "
							 "moment, with `gdb -p PID -batch -ex 'call (int)malloc_trim(0)'`,",
					   judge_size(c, trimmable));
}

/* What keeps most of the pinned bytes: what to look for. */
static const char *pinned_step(const struct diagnosing *c)
{
	const struct report_pinned *pinned = &c->report->heap.totals.pinned;
	uint64_t shared = pinned->small_bytes + pinned->edge_bytes;

	if (pinned->top_bytes > shared && pinned->top_bytes > pinned->cache_bytes)
		return "Lower M_TRIM_THRESHOLD (GLIBC_TUNABLES=glibc.malloc.trim_threshold): free ends of "
			   "secondary arenas go back in free() when they are longer, never in malloc_trim(0)";
	if (pinned->cache_bytes > shared)
		return "Have fewer threads, or smaller thread caches "
			   "(GLIBC_TUNABLES=glibc.malloc.tcache_count)";
	if (c->report->heap.pins.count)
		return "Find what pins the freed memory (heap.pins has the heaps that few live chunks "
			   "keep)";
	return "Find what pins the freed memory (the live chunks between it)";
}

static const char *retention_step(const struct diagnosing *c)
{
	uint64_t trimmable = c->report->heap.totals.trimmable_bytes;

	if (trimmable >= c->report->heap.totals.pinned_free_bytes / 2)
		return trim_step(c, trimmable);
	return pool_printf(&c->report->pool, "%s: malloc_trim(0) would give back %s%s.", pinned_step(c),
					   trimmable ? "only " : "", trimmable ? judge_size(c, trimmable) : "nothing");
}

static void say_pinned(const struct diagnosing *c, struct candidate *d)
{
	const struct report_arena *totals = &c->report->heap.totals;
	const struct report_pinned *pinned = &totals->pinned;

	JUDGE_SAY(c, d, "malloc_trim(0) would give back %s now; %s are pinned.",
			  totals->trimmable_bytes ? judge_size(c, totals->trimmable_bytes) : "nothing",
			  judge_size(c, totals->pinned_free_bytes));
	if (totals->pinned_free_bytes >= totals->free_resident_bytes / 10)
		JUDGE_SAY(c, d,
				  "Pinned are %s on pages of %s, %s in thread caches and %s at ends of arenas that "
				  "malloc_trim leaves alone.",
				  judge_size(c, pinned->small_bytes + pinned->edge_bytes),
				  judge_count(c, pinned->live_chunks, "live chunk"),
				  judge_size(c, pinned->cache_bytes), judge_size(c, pinned->top_bytes));
}

bool judge_retention(const struct diagnosing *c, struct candidate *d)
{
	uint64_t kept = diagnosis_kept_bytes(c->report);

	if (!c->report->heap.found || judge_percent(c, kept) < 10)
		return false;
	d->bytes = kept;
	d->row.title = "Freed memory that glibc keeps";
	d->row.severity = judge_grade(c, kept, 10, 25);
	d->row.confidence = heap_confidence(c);
	say_kept(c, d, kept);
	d->row.advice =
		"MALLOC_ARENA_MAX lowers the number of arenas, not what each of them keeps. "
		"M_TRIM_THRESHOLD is about the free end of an arena, not about the holes between chunks. "
		"jemalloc or another allocator gives freed pages back after a while; it ends retention, "
		"not a leak.";
	if (!c->report->evidence.has_residency) {
		d->row.first_step =
			c->facts->is_32_bit
				? "Compare it with the RSS in /proc/PID/status: how much of it is resident no core "
				  "of a 32-bit program tells."
				: "Capture with dumpcore to learn how much of it is resident: a core without a "
				  "page map does not tell.";
		return true;
	}
	say_pinned(c, d);
	d->row.has_gain = true;
	d->row.predicted_gain_bytes = c->report->heap.totals.trimmable_bytes;
	d->row.first_step = retention_step(c);
	return true;
}

/* What no pointer leads to, where that was asked. */
static void say_references(const struct diagnosing *c, struct candidate *d)
{
	const struct report_references *references = &c->report->references;

	if (!references->asked)
		return;
	if (!references->unreachable.chunks)
		JUDGE_SAY(c, d, "Pointers lead to every live chunk: what is too much is held.");
	else
		JUDGE_SAY(c, d, "No pointer from outside leads to %s in %s%s.",
				  judge_size(c, references->unreachable.bytes),
				  judge_count(c, references->unreachable.chunks, "live chunk"),
				  references->upper_bound ? ", at most: not all that may hold them is in the file"
										  : "");
}

/* "80 MiB (70 % of the RSS) are in 12 chunks …": resident ones, of more bytes in all. */
static void say_held(const struct diagnosing *c, struct candidate *d, uint64_t live)
{
	const struct report_heap *heap = &c->report->heap;
	uint64_t all = heap->totals.in_use.bytes + heap->mmapped.bytes;
	bool differs = all > live && all - live > all / 100;

	JUDGE_SAY(c, d, "%s (%.0f %% of %s) are in %s that the program holds%s%s%s.",
			  judge_size(c, live), judge_percent(c, live), whole_name(c),
			  judge_count(c, heap->totals.in_use.chunks + heap->mmapped.chunks, "chunk"),
			  differs ? " (" : "", differs ? judge_size(c, all) : "",
			  differs ? " with what is not resident)" : "");
}

static void say_live(const struct diagnosing *c, struct candidate *d, uint64_t live)
{
	const struct report_heap *heap = &c->report->heap;
	const struct report_content *content = &c->report->content;
	const struct report_rule *rule = rule_with_most(c->report, true);

	say_held(c, d, live);
	say_references(c, d);
	if (rule)
		JUDGE_SAY(c, d, "Rule %s explains %s in %s (%s)%s%s.", rule->id,
				  judge_size(c, rule->live.bytes), judge_count(c, rule->live.chunks, "chunk"),
				  rule->title, rule->groups.count ? ", most under " : "",
				  rule->groups.count ? rule->groups.items[0].key : "");
	for (size_t i = 0; i < heap->size_classes.count; i++) {
		const struct report_size_class *class = &heap->size_classes.items[i];

		if (strcmp(class->state, "in-use") != 0 && strcmp(class->state, "mmapped") != 0)
			continue;
		JUDGE_SAY(c, d, "The size that holds most: %s of %s bytes, %s.",
				  judge_count(c, class->chunks, "chunk"), judge_number(c, class->size),
				  judge_size(c, class->bytes));
		break;
	}
	if (content->rules_applied && content->unattributed_bytes)
		JUDGE_SAY(c, d, "No rule explains %s, %s.",
				  judge_count(c, content->unattributed_chunks, "live chunk"),
				  judge_size(c, content->unattributed_bytes));
	if (!diagnosis_is_forgotten(c->report))
		JUDGE_SAY(c, d, "One snapshot shows what is held, not that it grows.");
}

/* What to do about chunks that no rule tells anything of. */
static const char *live_step(const struct diagnosing *c)
{
	const struct report_references *references = &c->report->references;

	if (diagnosis_is_forgotten(c->report) && references->sizes.count)
		return pool_printf(
			&c->report->pool,
			"Find the code that forgets chunks of %s bytes: `analyze chunks FILE --reach "
			"unreachable` lists them, `analyze show FILE ADDRESS` tells what is in one.",
			judge_number(c, references->sizes.items[0].size));
	if (references->asked)
		return "Capture again when the RSS has grown, and compare rules and size classes of both "
			   "reports.";
	return "Run `analyze report FILE --references`, which tells what holds these chunks or that "
		   "nothing does; capture again when the RSS has grown, and compare.";
}

bool judge_live(const struct diagnosing *c, struct candidate *d)
{
	const struct report_rule *rule = rule_with_most(c->report, true);
	uint64_t live = diagnosis_live_bytes(c->report);

	if (!c->report->heap.found || judge_percent(c, live) < 30)
		return false;
	d->bytes = live;
	d->row.title = diagnosis_is_forgotten(c->report)
					   ? "Memory that is not freed and that no pointer leads to: most likely a leak"
					   : "Memory the program holds: a leak, if it grows";
	d->row.severity = judge_grade(c, live, 30, 50);
	d->row.confidence = heap_confidence(c);
	say_live(c, d, live);
	if (rule && rule->live.bytes >= live / 10)
		d->row.first_step =
			pool_printf(&c->report->pool, "Look at what rule %s found: %s", rule->id,
						*rule->remediation ? rule->remediation : rule->title);
	else
		d->row.first_step = live_step(c);
	d->row.advice = c->facts->is_java
						? "A snapshot cannot give the call stacks of allocations. Tools that "
						  "record them in the "
						  "next run: async-profiler -e nativemem, jemalloc with prof:true."
						: "A snapshot cannot give the call stacks of allocations. Tools that "
						  "record them in the "
						  "next run: heaptrack, jemalloc with prof:true.";
	return true;
}

bool judge_untouched(const struct diagnosing *c, struct candidate *d)
{
	const struct report_heap *heap = &c->report->heap;
	uint64_t bytes = heap->totals.in_use.bytes + heap->mmapped.bytes;
	uint64_t resident = heap->totals.in_use.resident_bytes + heap->mmapped.resident_bytes;

	if (!c->report->evidence.has_residency || bytes < resident ||
		bytes - resident < DIAGNOSIS_SMALL_BYTES || bytes - resident < bytes / 5)
		return false;
	d->row.title = "Allocated, but not in memory";
	d->row.severity = "info";
	d->row.confidence = "high";
	JUDGE_SAY(
		c, d,
		"The program holds %s, of which %s are resident; the rest was never written, given back, "
		"or is swapped.",
		judge_size(c, bytes), judge_size(c, resident));
	d->row.first_step = "Do not add it to the RSS: it counts in the virtual size only.";
	d->row.advice = "Buffers much larger than what is put into them look like this.";
	return true;
}
