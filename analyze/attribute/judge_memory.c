#include "analyze/attribute/judge.h"

#include "analyze/attribute/buckets.h"

#include <string.h>

/* The JVM's heap is told by its address, which needs compressed oops; less than this is no Java
 * heap. */
#define JAVA_HEAP_LEAST (UINT64_C(8) << 20)

static bool has_java_heap(const struct diagnosing *c)
{
	const struct report_bucket *bucket = buckets_find(&c->report->memory, "java.heap");

	return c->facts->is_java && bucket && bucket->virtual_bytes >= JAVA_HEAP_LEAST;
}

/* No heap was found, and what would show one may have been lost or left out. */
static bool lacks_heap_evidence(const struct diagnosing *c)
{
	return !c->report->heap.replaced && !c->report->heap.found &&
		   (c->facts->no_roots || !c->report->evidence.complete);
}

static void say_largest_region(const struct diagnosing *c, struct candidate *d)
{
	for (size_t i = 0; i < c->report->suspects.count; i++) {
		const struct report_suspect *suspect = &c->report->suspects.items[i];

		if (strcmp(suspect->kind, "region") != 0)
			continue;
		JUDGE_SAY(c, d, "The largest range: %s, %s resident.", suspect->subject,
				  judge_size(c, suspect->bytes));
		return;
	}
}

/* The owners of a twentieth of the RSS and more. Gives the one with most, or NULL. */
static const struct report_owner *say_owners(const struct diagnosing *c, struct candidate *d)
{
	const struct report_memory *memory = &c->report->memory;
	const struct report_owner *most = NULL;

	for (size_t i = 0; i < memory->owners.count; i++) {
		const struct report_owner *owner = &memory->owners.items[i];

		if (judge_percent(c, owner->resident_bytes) < 5)
			continue;
		most = most ? most : owner;
		JUDGE_SAY(c, d, "%s has %s of it (%s).", owner->title, judge_size(c, owner->resident_bytes),
				  owner->certainty);
	}
	return most;
}

static void advise_owner(const struct diagnosing *c, struct candidate *d,
						 const struct report_owner *owner)
{
	if (owner->is_malloc && !c->report->heap.found)
		d->row.title = pool_printf(&c->report->pool, "malloc %s %s, not glibc's",
								   strcmp(owner->certainty, "certain") == 0 ? "is" : "seems to be",
								   owner->title);
	else
		d->row.title =
			pool_printf(&c->report->pool, "Anonymous memory of another owner: %s", owner->title);
	d->row.first_step = owner->advice;
	d->row.advice = "malloc_trim(0) does nothing for this memory, nor do glibc's tunables.";
}

static void advise_foreign(const struct diagnosing *c, struct candidate *d)
{
	if (c->facts->is_java) {
		d->row.first_step = has_java_heap(c)
								? "Ask the JVM for its own share: jcmd PID VM.native_memory "
								  "summary (needs -XX:NativeMemoryTracking at start)."
								: "Compare it with -Xmx: the Java heap was not recognised and is "
								  "probably part of this.";
		d->row.advice = "In a JVM it is metaspace, the collector's tables and, without compressed "
						"oops, the Java heap; direct buffers are malloc's.";
		return;
	}
	d->row.first_step = "Find the owner: another allocator (jemalloc, tcmalloc, mimalloc), a "
						"runtime's own memory (V8, Go, CPython), or mmap by the program.";
	d->row.advice = "Such an allocator has its own statistics; malloc_trim(0) does nothing for it.";
}

bool judge_foreign(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = diagnosis_foreign_bytes(c->report);
	const struct report_owner *owner;

	if (!c->report->memory.has_resident || judge_percent(c, bytes) < 15 || lacks_heap_evidence(c))
		return false;
	d->bytes = bytes;
	d->row.title = c->report->heap.found ? "Anonymous memory that is no glibc heap"
										 : "Anonymous memory, and no glibc heap was recognised";
	d->row.severity = judge_grade(c, bytes, 15, 40);
	d->row.confidence = c->report->heap.found && c->report->evidence.complete ? "high" : "medium";
	JUDGE_SAY(c, d,
			  "%s (%.0f %% of the RSS) are anonymous, and neither in a glibc heap nor a stack.",
			  judge_size(c, bytes), judge_percent(c, bytes));
	owner = say_owners(c, d);
	if (owner && owner->resident_bytes >= bytes / 2) {
		advise_owner(c, d, owner);
		return true;
	}
	say_largest_region(c, d);
	advise_foreign(c, d);
	return true;
}

bool judge_heap_not_found(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = diagnosis_foreign_bytes(c->report);

	if (!lacks_heap_evidence(c))
		return false;
	d->bytes = bytes;
	d->row.title = "The file does not show a glibc heap, nor that there is none";
	d->row.severity = judge_grade(c, bytes, 15, 101);
	d->row.confidence = "high";
	JUDGE_SAY(c, d,
			  "What a heap is found by, the data of the program and of libc, is not wholly in the "
			  "file.");
	if (bytes && c->report->memory.has_resident)
		JUDGE_SAY(c, d,
				  "%s (%.0f %% of the RSS) are anonymous memory: malloc's or not, live or "
				  "freed, the evidence does not tell.",
				  judge_size(c, bytes), judge_percent(c, bytes));
	d->row.first_step = "Capture again to the end, with --select native or more.";
	d->row.advice = "";
	return true;
}

bool judge_unknown(const struct diagnosing *c, struct candidate *d)
{
	uint64_t lost = buckets_bytes(&c->report->memory, "not_captured");
	uint64_t damaged = buckets_bytes(&c->report->memory, "unwalkable");

	if (!c->report->memory.has_resident || judge_percent(c, lost + damaged) < 10)
		return false;
	d->bytes = lost + damaged;
	d->row.title = "Memory that nobody can look into";
	d->row.severity = judge_grade(c, d->bytes, 10, 101);
	d->row.confidence = "high";
	if (lost)
		JUDGE_SAY(c, d,
				  "%s (%.0f %% of the RSS) are resident anonymous memory that is not in the "
				  "file.",
				  judge_size(c, lost), judge_percent(c, lost));
	if (damaged)
		JUDGE_SAY(c, d,
				  "%s (%.0f %% of the RSS) are malloc's, but damaged or not in the file: "
				  "which chunks are in it is not known.",
				  judge_size(c, damaged), judge_percent(c, damaged));
	d->row.first_step = "Capture again, to the end and with what was left out (--select native, or "
						"all).";
	d->row.advice = "Why it is missing is listed under what the evidence does not tell.";
	return true;
}

bool judge_shared(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = buckets_bytes(&c->report->memory, "shared");

	if (!c->report->memory.has_resident || judge_percent(c, bytes) < 25)
		return false;
	d->bytes = bytes;
	d->row.title = "Shared memory";
	d->row.severity = judge_grade(c, bytes, 25, 101);
	d->row.confidence = "high";
	JUDGE_SAY(c, d,
			  "%s resident (%.0f %% of the RSS) are shared memory: memfd, /dev/shm, System V, or "
			  "anonymous mappings that are shared.",
			  judge_size(c, bytes), judge_percent(c, bytes));
	d->row.first_step = "See in /proc/PID/maps which of them it is, and which other processes map "
						"it.";
	d->row.advice = "It counts in the RSS of every process that maps it, and is not malloc's.";
	return true;
}

bool judge_java_heap(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = buckets_bytes(&c->report->memory, "java.heap");

	if (!c->facts->is_java || !c->report->memory.has_resident || judge_percent(c, bytes) < 50)
		return false;
	d->bytes = bytes;
	d->row.title = "The Java heap is most of the RSS";
	d->row.severity = judge_grade(c, bytes, 50, 101);
	d->row.confidence = "medium";
	JUDGE_SAY(
		c, d,
		"The Java heap has %s resident, %.0f %% of the RSS (recognised by where it is mapped).",
		judge_size(c, bytes), judge_percent(c, bytes));
	d->row.first_step =
		pool_printf(&c->report->pool,
					"Compare it with -Xmx, and take a class histogram (jcmd PID GC.class_histogram)"
					" or a heap dump; the other %s of the RSS are outside of it.",
					judge_size(c, c->whole > bytes ? c->whole - bytes : 0));
	d->row.advice = "A JVM does not give heap pages back at once after a collection; that much RSS "
					"can be normal for its -Xmx.";
	return true;
}

bool judge_java_heap_small(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = buckets_bytes(&c->report->memory, "java.heap");
	uint64_t malloc_bytes = diagnosis_live_bytes(c->report) + diagnosis_kept_bytes(c->report);

	if (!has_java_heap(c) || !c->report->memory.has_resident || judge_percent(c, bytes) >= 50 ||
		(bytes >= malloc_bytes && judge_percent(c, bytes) >= 25))
		return false;
	d->bytes = bytes;
	d->row.title = "The Java heap is not the main part";
	d->row.severity = "info";
	d->row.confidence = "medium";
	JUDGE_SAY(
		c, d,
		"The Java heap has %s resident, %.0f %% of the RSS (recognised by where it is mapped).",
		judge_size(c, bytes), judge_percent(c, bytes));
	d->row.first_step = "Look outside of the Java heap first: -Xmx does not limit what is there.";
	d->row.advice = "";
	return true;
}

bool judge_stacks(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = buckets_bytes(&c->report->memory, "stack");

	if (!c->report->memory.has_resident || judge_percent(c, bytes) < 10)
		return false;
	d->bytes = bytes;
	d->row.title = "Thread stacks";
	d->row.severity = judge_grade(c, bytes, 10, 25);
	d->row.confidence = "high";
	JUDGE_SAY(c, d, "%s resident (%.0f %% of the RSS) are stacks of %s.", judge_size(c, bytes),
			  judge_percent(c, bytes),
			  c->facts->threads ? judge_count(c, c->facts->threads, "thread") : "threads");
	d->row.first_step = "Count the threads by name: a pool that grows without a limit shows there.";
	d->row.advice = "Smaller stacks (-Xss, pthread_attr_setstacksize) limit the virtual size only; "
					"stacks that are wholly resident point at transparent huge pages.";
	return true;
}

bool judge_modules(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes =
		buckets_bytes(&c->report->memory, "module") + buckets_bytes(&c->report->memory, "file");

	if (!c->report->memory.has_resident || judge_percent(c, bytes) < 30)
		return false;
	d->bytes = bytes;
	d->row.title = "Pages of files";
	d->row.severity = judge_percent(c, bytes) >= 60 ? "low" : "info";
	d->row.confidence = "high";
	JUDGE_SAY(c, d,
			  "%s resident (%.0f %% of the RSS) are mapped programs, libraries and other files.",
			  judge_size(c, bytes), judge_percent(c, bytes));
	d->row.first_step = "Look at the PSS in /proc/PID/smaps_rollup: pages of files are shared, and "
						"the kernel can drop the clean ones.";
	d->row.advice = "They count in every process that maps them; they are no leak.";
	return true;
}

bool judge_swap(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = c->report->memory.swapped_bytes;

	if (!c->report->memory.has_resident || judge_percent(c, bytes) < 10)
		return false;
	d->bytes = bytes;
	d->row.title = "Swapped memory";
	d->row.severity = "low";
	d->row.confidence = "high";
	JUDGE_SAY(c, d, "%s are on swap: the RSS alone understates what the process needs.",
			  judge_size(c, bytes));
	d->row.first_step = "Add swap to the RSS when this process is compared with a limit.";
	d->row.advice = "";
	return true;
}

bool judge_incomplete(const struct diagnosing *c, struct candidate *d)
{
	if (c->report->evidence.complete)
		return false;
	d->row.title = "The evidence is incomplete";
	d->row.severity = "low";
	d->row.confidence = "high";
	for (size_t i = 0; i < c->report->evidence.missing.count && i < 3; i++)
		JUDGE_SAY(c, d, "%s", c->report->evidence.missing.items[i]);
	d->row.first_step =
		"Capture again without --consistency live and with enough room on the disk, if "
		"what is missing matters.";
	d->row.advice = "What was captured is analysed; sums over damaged parts are lower bounds.";
	return true;
}
