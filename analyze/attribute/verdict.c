#include "analyze/attribute/verdict.h"

#include "analyze/attribute/buckets.h"
#include "analyze/attribute/diagnosis.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

struct part {
	const char *name;
	uint64_t bytes;
};

/* What readers care about, of one bucket or of several. */
static const struct {
	const char *bucket, *name;
} named[] = {
	{ "java.heap", "the Java heap" },
	{ "jvm.class_space", "JVM class space" },
	{ "jvm.code", "JVM code" },
	{ "module", "programs and libraries" },
	{ "file", "mapped files" },
	{ "shared", "shared memory" },
	{ "stack", "thread stacks" },
	{ "heap.overhead", "malloc's bookkeeping" },
	{ "unwalkable", "heap that cannot be walked" },
	{ "not_captured", "not in the file" },
};

enum { NAMED = sizeof named / sizeof *named, PARTS = NAMED + 4, SHOWN = 3 };

static int compare(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* The allocator or runtime with most bytes that is not glibc's: its rows are sorted. */
static const struct report_owner *first_owner(const struct report *report)
{
	const struct report_owner *owner = report->memory.owners.items;

	return report->memory.owners.count && owner->resident_bytes ? owner : NULL;
}

static void collect(struct report *report, struct part parts[PARTS])
{
	const struct report_owner *owner = first_owner(report);
	uint64_t foreign = diagnosis_foreign_bytes(report);
	uint64_t owned = owner && owner->resident_bytes <= foreign ? owner->resident_bytes : 0;

	for (size_t i = 0; i < NAMED; i++)
		parts[i] = (struct part){ named[i].name, buckets_bytes(&report->memory, named[i].bucket) };
	parts[NAMED] = (struct part){ "live malloc memory", diagnosis_live_bytes(report) };
	parts[NAMED + 1] =
		(struct part){ "freed memory that glibc keeps", diagnosis_kept_bytes(report) };
	parts[NAMED + 2] = (struct part){ "other anonymous memory", foreign - owned };
	parts[NAMED + 3] = (struct part){
		owned ? pool_printf(&report->pool, "anonymous memory of %s", owner->title) : "", owned
	};
	qsort(parts, PARTS, sizeof *parts, compare);
}

/* How many parts are worth a mention: the largest, and others of a percent or more. */
static size_t count_shown(const struct part parts[PARTS], uint64_t whole)
{
	size_t shown = 0;

	while (shown < SHOWN && parts[shown].bytes && (!shown || parts[shown].bytes >= whole / 100))
		shown++;
	return shown;
}

/* "The RSS is 7.0 GiB: 3.1 GiB (44 %) is live malloc memory, 1.9 GiB (28 %) is … and …" */
static void say_parts(struct report *report, struct strbuf *out)
{
	struct part parts[PARTS];
	uint64_t whole = report->memory.resident_bytes;
	char text[SIZE_TEXT];
	size_t shown;

	collect(report, parts);
	shown = count_shown(parts, whole);
	strbuf_printf(out, "The RSS%s is %s", report->memory.hugetlb_bytes ? " with huge pages" : "",
				  size_format(whole, text));
	for (size_t i = 0; i < shown; i++)
		strbuf_printf(out, "%s%s (%.0f %%) is %s",
					  !i              ? ": "
					  : i + 1 < shown ? ", "
									  : " and ",
					  size_format(parts[i].bytes, text),
					  whole ? 100.0 * (double)parts[i].bytes / (double)whole : 0, parts[i].name);
	strbuf_puts(out, ". ");
}

static void say_where(struct report *report, struct strbuf *out)
{
	char live[SIZE_TEXT], kept[SIZE_TEXT];

	if (!report->memory.has_resident && !report->evidence.complete)
		strbuf_puts(out, "The file is INCOMPLETE. ");
	if (report->memory.has_resident)
		say_parts(report, out);
	else if (report->heap.found)
		strbuf_printf(out,
					  "Which bytes are resident is not known; of malloc's memory %s is in use and "
					  "%s is free. ",
					  size_format(diagnosis_live_bytes(report), live),
					  size_format(diagnosis_kept_bytes(report), kept));
	else
		strbuf_puts(out, "Which bytes are resident is not known, and no glibc heap was found. ");
}

static void say_unknown(const struct report *report, struct strbuf *out)
{
	char unknown[SIZE_TEXT];

	strbuf_puts(out, "The evidence does not tell ");
	if (!report->heap.found && diagnosis_find(report, "heap-not-found"))
		strbuf_puts(out,
					"a leak from retention: what glibc's heap is found by is not in the file. ");
	else if (!report->heap.found)
		strbuf_printf(out, "a leak from retention: %s. ",
					  report->heap.replaced ? "malloc is not glibc's, and only its own tools can "
											  "look into it"
											: "there is no glibc heap to look into");
	else if (!report->memory.has_resident)
		strbuf_puts(out, "how much of the free memory is kept in RAM. ");
	else
		strbuf_printf(out, "a leak from retention: %s are not in the file, or not walkable. ",
					  size_format(diagnosis_unknown_bytes(report), unknown));
}

static void say_live(const struct report *report, struct strbuf *out)
{
	char lost[SIZE_TEXT], chunks[COUNT_TEXT];

	if (diagnosis_is_forgotten(report))
		strbuf_printf(
			out,
			"It is live, not retention, and most likely a leak: no pointer leads to %s in "
			"%s. ",
			size_format(report->references.unreachable.bytes, lost),
			count_of(report->references.unreachable.chunks, "chunk", chunks));
	else
		strbuf_puts(out, "It is live, not retention: the program holds it; whether it grows, one "
						 "snapshot cannot tell. ");
}

static void say_live_or_kept(const struct report *report, struct strbuf *out)
{
	uint64_t live = diagnosis_live_bytes(report), kept = diagnosis_kept_bytes(report);
	uint64_t whole = report->memory.resident_bytes;

	if (!report->heap.found && report->memory.has_resident && report->evidence.complete &&
		!diagnosis_find(report, "heap-not-found") &&
		diagnosis_foreign_bytes(report) + diagnosis_unknown_bytes(report) < whole / 4) {
		strbuf_puts(out, "Anonymous memory is not the main part, whoever manages it. ");
		return;
	}
	if (!report->heap.found || !report->memory.has_resident ||
		diagnosis_unknown_bytes(report) > whole / 4) {
		say_unknown(report, out);
		return;
	}
	strbuf_puts(out, report->evidence.complete ? "" : "As far as incomplete evidence tells: ");
	if (live + kept < whole / 4)
		strbuf_puts(out, "Malloc is not the main part: neither its live nor its freed memory "
						 "explains the RSS. ");
	else if (kept > live)
		strbuf_puts(out, "This is retention rather than a leak: the program has freed more than it "
						 "holds. ");
	else if (kept > live / 3)
		strbuf_puts(out, "It is both: the program holds the larger part, and glibc keeps much of "
						 "what was freed. ");
	else
		say_live(report, out);
}

/* "Of 1.9 GiB that are freed and resident malloc_trim(0) would return 1.2 GiB; 0.7 GiB is pinned,
 * most of it by 312 live chunks." Where retention is no matter: nothing. */
static void say_pinned(const struct report *report, struct strbuf *out)
{
	const struct report_arena *totals = &report->heap.totals;
	const struct report_pinned *pinned = &totals->pinned;
	uint64_t shared = pinned->small_bytes + pinned->edge_bytes;
	char free[SIZE_TEXT], trimmable[SIZE_TEXT], stays[SIZE_TEXT], chunks[COUNT_TEXT];

	if (!report->memory.has_resident || !diagnosis_find(report, "retention"))
		return;
	strbuf_printf(out,
				  "Of %s that are freed and resident malloc_trim(0) would return %s; %s is pinned",
				  size_format(totals->free_resident_bytes, free),
				  size_format(totals->trimmable_bytes, trimmable),
				  size_format(totals->pinned_free_bytes, stays));
	if (totals->pinned_free_bytes < totals->free_resident_bytes / 10)
		strbuf_puts(out, ". ");
	else if (pinned->top_bytes > shared && pinned->top_bytes > pinned->cache_bytes)
		strbuf_puts(out, ", most of it at ends of arenas that it leaves alone. ");
	else if (pinned->cache_bytes > shared)
		strbuf_puts(out, ", most of it in thread caches. ");
	else
		strbuf_printf(out, ", most of it by %s. ",
					  count_of(pinned->live_chunks, "live chunk", chunks));
}

/* The first step of the gravest diagnosis that is about the process, not about the evidence. */
static const char *first_step(const struct report *report)
{
	for (size_t i = 0; i < report->diagnosis.count; i++)
		if (strcmp(report->diagnosis.items[i].id, "incomplete-evidence") != 0)
			return report->diagnosis.items[i].first_step;
	return "Capture again when the process has grown, and compare the reports.";
}

void verdict_fill(struct report *report)
{
	struct strbuf text = { 0 };

	say_where(report, &text);
	say_live_or_kept(report, &text);
	say_pinned(report, &text);
	strbuf_puts(&text, first_step(report));
	report->verdict = pool_span(&report->pool, strbuf_span(&text));
	strbuf_deinit(&text);
}
