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

	for (size_t i = 0; i < report->memory.buckets.count; i++)
		if (strncmp(report->memory.buckets.items[i].id, "anonymous.", 10) == 0 &&
			strcmp(report->memory.buckets.items[i].id, "anonymous.reserved") != 0)
			bytes += buckets_bytes(&report->memory, report->memory.buckets.items[i].id);
	return bytes;
}

static const struct {
	const char *id;
	bool (*judge)(const struct diagnosing *, struct candidate *);
} table[] = {
	{ "retention", judge_retention },
	{ "leak-suspect", judge_live },
	{ "not-glibc", judge_foreign },
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

static void add_no_excess(struct report *report)
{
	struct report_diagnosis *row = vec_add(&report->diagnosis);

	row->id = "no-excess";
	row->title = "No part stands out";
	row->severity = "info";
	row->confidence = report->evidence.has_residency ? "medium" : "low";
	*vec_add(&row->evidence) = "No part of the memory is large enough to be called the cause.";
	row->first_step = "Capture again when the process has grown, and compare the reports.";
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
		add_no_excess(report);
}
