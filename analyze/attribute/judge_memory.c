#include "analyze/attribute/judge.h"

#include "analyze/attribute/buckets.h"

#include <string.h>

bool judge_foreign(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = diagnosis_foreign_bytes(c->report);

	if (!c->report->memory.has_resident || judge_percent(c, bytes) < 15)
		return false;
	d->bytes = bytes;
	d->row.title = "Anonymous memory that is no glibc heap";
	d->row.severity = judge_grade(c, bytes, 15, 40);
	d->row.confidence = c->report->heap.found ? "high" : "medium";
	JUDGE_SAY(c, d,
			  "%s (%.0f %% of the RSS) are anonymous, and neither glibc's malloc nor a stack.",
			  judge_size(c, bytes), judge_percent(c, bytes));
	for (size_t i = 0; i < c->report->suspects.count; i++) {
		const struct report_suspect *suspect = &c->report->suspects.items[i];

		if (strcmp(suspect->kind, "region") == 0)
			JUDGE_SAY(c, d, "The largest range: %s, %s resident.", suspect->subject,
					  judge_size(c, suspect->bytes));
		if (strcmp(suspect->kind, "region") == 0)
			break;
	}
	if (c->facts->is_java) {
		d->row.first_step = "Ask the JVM for its own share: jcmd PID VM.native_memory summary "
							"(needs -XX:NativeMemoryTracking at start).";
		d->row.advice = "In a JVM it is metaspace, the collector's tables, or direct buffers.";
	} else {
		d->row.first_step = "Find the owner: another allocator (jemalloc, tcmalloc, mimalloc), a "
							"runtime's own memory (V8, Go, CPython), or mmap by the program.";
		d->row.advice = "Such an allocator has its own statistics; malloc_trim(0) does nothing "
						"for it.";
	}
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
	JUDGE_SAY(c, d,
			  "The Java heap has %s resident, %.0f %% of the RSS (recognised by its address).",
			  judge_size(c, bytes), judge_percent(c, bytes));
	d->row.first_step = "Compare it with -Xmx, and take a class histogram or heap dump: native "
						"memory is not the question here.";
	d->row.advice = "A JVM does not give heap pages back at once after a collection; that much RSS "
					"can be normal for its -Xmx.";
	return true;
}

bool judge_java_heap_small(const struct diagnosing *c, struct candidate *d)
{
	uint64_t bytes = buckets_bytes(&c->report->memory, "java.heap");

	if (!c->facts->is_java || !c->report->memory.has_resident || judge_percent(c, bytes) >= 50)
		return false;
	d->bytes = bytes;
	d->row.title = "The Java heap is not the cause";
	d->row.severity = "info";
	d->row.confidence = "medium";
	JUDGE_SAY(c, d,
			  "The Java heap has %s resident, %.0f %% of the RSS (recognised by its address).",
			  judge_size(c, bytes), judge_percent(c, bytes));
	d->row.first_step = "Leave -Xmx alone: the memory is outside the Java heap.";
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
	JUDGE_SAY(c, d, "%s resident (%.0f %% of the RSS) are stacks of %zu threads.",
			  judge_size(c, bytes), judge_percent(c, bytes), c->facts->threads);
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
	d->row.first_step = "Capture again with --consistency freeze and enough room on the disk, if "
						"what is missing matters.";
	d->row.advice = "What was captured is analysed; sums over damaged parts are lower bounds.";
	return true;
}
