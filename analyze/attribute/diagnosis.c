#include "analyze/attribute/diagnosis.h"

#include "analyze/attribute/buckets.h"
#include "analyze/attribute/judge.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

const char *judge_size(const struct diagnosing *c, uint64_t bytes)
{
	return size_format(bytes, pool_alloc(&c->report->pool, SIZE_TEXT));
}

const char *judge_number(const struct diagnosing *c, uint64_t value)
{
	return count_format(value, pool_alloc(&c->report->pool, SIZE_TEXT + 8));
}

const char *judge_count(const struct diagnosing *c, uint64_t value, const char *noun)
{
	return count_of(value, noun, pool_alloc(&c->report->pool, COUNT_TEXT));
}

double judge_percent(const struct diagnosing *c, uint64_t bytes)
{
	return c->whole ? 100.0 * (double)bytes / (double)c->whole : 0;
}

const char *judge_grade(const struct diagnosing *c, uint64_t bytes, double medium, double high)
{
	if (judge_percent(c, bytes) < medium)
		return "info";
	if (bytes < DIAGNOSIS_SMALL_BYTES)
		return "low";
	return judge_percent(c, bytes) >= high && c->report->evidence.has_residency ? "high" : "medium";
}

uint64_t diagnosis_live_bytes(const struct report *report)
{
	return buckets_bytes(&report->memory, "heap.in_use") +
		   buckets_bytes(&report->memory, "heap.mmapped");
}

uint64_t diagnosis_kept_bytes(const struct report *report)
{
	return buckets_bytes(&report->memory, "heap.tcache") +
		   buckets_bytes(&report->memory, "heap.fastbin") +
		   buckets_bytes(&report->memory, "heap.binned") +
		   buckets_bytes(&report->memory, "heap.top");
}

uint64_t diagnosis_foreign_bytes(const struct report *report)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < report->memory.buckets.count; i++) {
		const char *id = report->memory.buckets.items[i].id;

		/* Address space without access costs nothing, but what was written before may stay. */
		if (strncmp(id, "anonymous.", 10) == 0 &&
			(report->memory.has_resident || strcmp(id, "anonymous.reserved") != 0))
			bytes += buckets_bytes(&report->memory, id);
	}
	return bytes;
}

uint64_t diagnosis_unknown_bytes(const struct report *report)
{
	return buckets_bytes(&report->memory, "not_captured") +
		   buckets_bytes(&report->memory, "unwalkable");
}

bool diagnosis_is_forgotten(const struct report *report)
{
	const struct report_references *references = &report->references;

	return references->asked && !references->upper_bound && references->unreachable.bytes &&
		   references->unreachable.bytes >= references->anchored.bytes;
}

const struct report_diagnosis *diagnosis_find(const struct report *report, const char *id)
{
	for (size_t i = 0; i < report->diagnosis.count; i++)
		if (strcmp(report->diagnosis.items[i].id, id) == 0)
			return &report->diagnosis.items[i];
	return NULL;
}

static const struct {
	const char *id;
	bool (*judge)(const struct diagnosing *, struct candidate *);
} table[] = {
	{ "retention", judge_retention },
	{ "leak-suspect", judge_live },
	{ "not-glibc", judge_foreign },
	{ "heap-not-found", judge_heap_not_found },
	{ "not-captured", judge_unknown },
	{ "shared-memory", judge_shared },
	{ "java-heap", judge_java_heap },
	{ "java-heap-exonerated", judge_java_heap_small },
	{ "thread-stacks", judge_stacks },
	{ "file-pages", judge_modules },
	{ "untouched", judge_untouched },
	{ "swapped", judge_swap },
	{ "incomplete-evidence", judge_incomplete },
};

enum { ROWS = sizeof table / sizeof *table };

static int rank(const char *severity)
{
	static const char *const ranks[] = { "high", "medium", "low", "info" };
	int i = 0;

	while (i < 3 && strcmp(severity, ranks[i]) != 0)
		i++;
	return i;
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = rank(x->row.severity) - rank(y->row.severity);

	if (order)
		return order;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->row.id, y->row.id);
}

static const char *largest_sentence(struct report *report)
{
	const struct report_bucket *most = NULL;

	for (size_t i = 0; i < report->memory.buckets.count; i++) {
		const struct report_bucket *bucket = &report->memory.buckets.items[i];

		if (!most || bucket->resident_bytes > most->resident_bytes)
			most = bucket;
	}
	if (!most || !report->memory.resident_bytes)
		return "No memory of the process is known to be resident.";
	return pool_printf(&report->pool, "The largest part, %s, is %.0f %% of the RSS.", most->title,
					   100.0 * (double)most->resident_bytes /
						   (double)report->memory.resident_bytes);
}

static void add_no_excess(struct report *report, const struct diagnosis_facts *facts)
{
	struct report_diagnosis *row = vec_add(&report->diagnosis);
	bool known = report->memory.has_resident;

	row->id = known ? "no-excess" : "not-told";
	row->title = known ? "No part stands out" : "Nothing to judge by";
	row->severity = "info";
	row->confidence = known ? "medium" : "low";
	*vec_add(&row->evidence) = known ? largest_sentence(report)
									 : "Without a page map nobody can say which bytes are "
									   "resident, and no glibc heap was found.";
	row->first_step = known ? "Capture again when the process has grown, and compare the reports."
					  : facts->is_32_bit
						  ? "Look at /proc/PID/smaps while the process runs."
						  : "Capture with dumpcore, which records the pages that are resident.";
	row->advice = "";
}

void diagnosis_fill(struct report *report, const struct diagnosis_facts *facts)
{
	struct diagnosing c = {
		.report = report,
		.facts = facts,
		.whole = report->memory.has_resident
					 ? report->memory.resident_bytes
					 : report->heap.totals.system_bytes + report->heap.mmapped.bytes,
	};
	struct candidate found[ROWS] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < ROWS; i++) {
		found[count].row.id = table[i].id;
		count += table[i].judge(&c, &found[count]);
	}
	qsort(found, count, sizeof *found, compare);
	for (size_t i = 0; i < count; i++)
		*vec_add(&report->diagnosis) = found[i].row;
	if (!count || rank(found[0].row.severity) == rank("info"))
		add_no_excess(report, facts);
}
