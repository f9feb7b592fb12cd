#include "analyze/attribute/evidence.h"

#include "analyze/attribute/ended_by.h"
#include "analyze/attribute/names.h"
#include "archive/proc_text.h"
#include "base/size.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct missing {
	report_lines *lines;
	struct pool *pool;
};

#define MISSING(missing, ...) \
	(*vec_add((missing)->lines) = pool_printf((missing)->pool, __VA_ARGS__))

static uint64_t torn_bytes(const struct core *core)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < core->page_map.runs.count; i++)
		if (core->page_map.runs.items[i].state == PAGE_TORN)
			bytes += range_bytes(core->page_map.runs.items[i].range);
	return bytes;
}

bool evidence_is_complete(const struct core *core)
{
	if (core->truncated)
		return false;
	if (core->writer != CORE_BY_DUMPCORE)
		return true;
	return core->has_outcome && core->outcome.complete && !core->troubles.count &&
		   !torn_bytes(core);
}

bool evidence_has_roots(const struct core *core, const struct image *image,
						const struct regions *regions)
{
	for (size_t i = 0; i < regions->items.count; i++) {
		const struct region *region = &regions->items.items[i];
		size_t piece = image_find(image, region->range.start);

		if (region->kind != REGION_MODULE || !(region->protection & MAPPING_WRITE) ||
			region->protection & MAPPING_SHARED ||
			(core->has_page_map && !page_map_resident(&core->page_map, region->range)))
			continue;
		if (piece == image->pieces.count ||
			image->pieces.items[piece].range.start >= region->range.end)
			return false;
	}
	return true;
}

bool evidence_knows_threads(const struct core *core, const struct heap *heap)
{
	for (size_t i = 0; i < heap->threads.count; i++)
		if (heap->threads.items[i].arena >= 0)
			return true;
	for (size_t i = 0; i < core->threads.count; i++)
		if (core->threads.items[i].tp)
			return true;
	return false;
}

/* The file itself: cut, damaged, not finished. */
static void miss_parts(const struct missing *missing, const struct core *core)
{
	char size[SIZE_TEXT];
	uint64_t torn = torn_bytes(core);

	if (core->truncated)
		MISSING(missing, "The file is cut short or damaged: what it lost is missing below.");
	if (core->writer == CORE_BY_DUMPCORE && !core->has_outcome)
		MISSING(missing,
				"The capture did not reach its end: its outcome and checksums are missing.");
	if (core->has_outcome && !core->outcome.complete)
		MISSING(missing, "The capture is partial: %s.",
				names_safe(core->outcome.reason, missing->pool));
	if (torn)
		MISSING(missing,
				"%s were read while the process could write them (live): free lists may be "
				"inconsistent.",
				size_format(torn, size));
	for (size_t i = 0; i < core->troubles.count; i++)
		MISSING(missing, "%s", names_safe(core->troubles.items[i], missing->pool));
}

static bool lacks_page_map(const struct core *core, const struct regions *regions,
						   const struct heap *heap)
{
	(void)heap;
	(void)regions;
	return !core->has_page_map && core->word != 4;
}

static bool lacks_page_map_of_32(const struct core *core, const struct regions *regions,
								 const struct heap *heap)
{
	(void)heap;
	(void)regions;
	return !core->has_page_map && core->word == 4;
}

static bool lacks_rss(const struct core *core, const struct regions *regions,
					  const struct heap *heap)
{
	(void)heap;
	uint64_t rss;

	(void)regions;
	return core->has_page_map &&
		   !proc_text_number(core_document(core, FORMAT_DOCUMENT_STATUS), "VmRSS", &rss);
}

static bool lacks_names_of_mappings(const struct core *core, const struct regions *regions,
									const struct heap *heap)
{
	(void)heap;
	(void)core;
	return !regions->from_proc;
}

static bool lacks_modules(const struct core *core, const struct regions *regions,
						  const struct heap *heap)
{
	(void)heap;
	return !regions->from_proc && !core->files.count;
}

static bool lacks_threads(const struct core *core, const struct regions *regions,
						  const struct heap *heap)
{
	(void)heap;
	(void)regions;
	return !core->threads.count;
}

static bool lacks_thread_pointers(const struct core *core, const struct regions *regions,
								  const struct heap *heap)
{
	(void)regions;
	return core->threads.count && !evidence_knows_threads(core, heap);
}

static bool lacks_names_of_threads(const struct core *core, const struct regions *regions,
								   const struct heap *heap)
{
	(void)heap;
	(void)regions;
	for (size_t i = 0; i < core->threads.count; i++)
		if (core->threads.items[i].name[0])
			return false;
	return core->threads.count > 0;
}

static bool lacks_facts(const struct core *core, const struct regions *regions,
						const struct heap *heap)
{
	(void)heap;
	(void)regions;
	return !core->has_facts;
}

static bool lacks_process(const struct core *core, const struct regions *regions,
						  const struct heap *heap)
{
	(void)heap;
	(void)regions;
	return !core->has_facts && !core->pid;
}

/* What is unknown where something is not in the file. */
static const struct {
	bool (*lacks)(const struct core *, const struct regions *, const struct heap *);
	struct report_unknown row;
} unknowns[] = {
	{ lacks_page_map,
	  { "resident bytes",
		"the core has no page map (those of gcore, the kernel and systemd-coredump have none)",
		"resident, share, gone, trimmable and pinned show ?, sizes are virtual; capture with "
		"dumpcore to know them" } },
	{ lacks_page_map_of_32,
	  { "resident bytes", "the core has no page map (no core of a 32-bit program has one)",
		"resident, share, gone, trimmable and pinned show ?, sizes are virtual; "
		"/proc/PID/smaps_rollup has their sum while the process runs" } },
	{ lacks_rss,
	  { "the kernel's RSS", "the status document is missing",
		"the sum of the buckets stands for it" } },
	{ lacks_names_of_mappings,
	  { "names of mappings", "the core has no smaps",
		"anonymous memory has no names, and stacks are recognised by their threads only" } },
	{ lacks_modules,
	  { "modules", "the core has no list of mapped files (NT_FILE)",
		"programs, libraries and their data count as other anonymous memory" } },
	{ lacks_threads,
	  { "threads", "the core has no registers (NT_PRSTATUS)",
		"which thread uses which arena shows ?, stacks are not recognised, and thread caches are "
		"looked for in all of the heap" } },
	{ lacks_thread_pointers,
	  { "arenas of threads", "the registers do not have the threads' pointers (fs_base)",
		"which thread uses which arena shows ?, and thread caches are looked for in all of the "
		"heap" } },
	{ lacks_names_of_threads,
	  { "names of threads", "they are no part of the core", "threads are shown by their ids" } },
	{ lacks_facts,
	  { "the capture", "the core does not describe it",
		"host, kernel, time, program, pause and consistency are not told" } },
	{ lacks_process,
	  { "the process", "the core has no NT_PRPSINFO", "its id and name are not told" } },
};

/* Says each in a sentence as well. */
static void add_unknowns(struct report_evidence *evidence, const struct missing *missing,
						 const struct core *core, const struct regions *regions,
						 const struct heap *heap)
{
	for (size_t i = 0; i < sizeof unknowns / sizeof *unknowns; i++) {
		const struct report_unknown *row = &unknowns[i].row;

		if (!unknowns[i].lacks(core, regions, heap))
			continue;
		*vec_add(&evidence->unknown) = *row;
		MISSING(missing, "%c%s: not known, %s: %s.", toupper((unsigned char)row->what[0]),
				row->what + 1, row->lacks, row->effect);
	}
}

/* Gaps with one reason. */
struct reason {
	const char *text;
	uint64_t bytes, resident;
	size_t gaps;
};

enum { REASONS = 24 };

/* The reason's row; the last one is for all beyond REASONS - 1. */
static struct reason *find_reason(struct reason reasons[REASONS], const char *text)
{
	size_t i = 0;

	while (i < REASONS - 1 && reasons[i].text && strcmp(reasons[i].text, text) != 0)
		i++;
	if (!reasons[i].text)
		reasons[i].text = i < REASONS - 1 ? text : "other reasons";
	return &reasons[i];
}

/* A line for each reason, however many gaps have it. */
static void miss_gaps(const struct missing *missing, const struct core *core)
{
	struct reason reasons[REASONS] = { 0 };
	char size[SIZE_TEXT], resident[SIZE_TEXT], known[SIZE_TEXT + 16] = "";

	for (size_t i = 0; i < core->gaps.count; i++) {
		struct reason *reason = find_reason(reasons, core->gaps.items[i].reason);

		reason->bytes += range_bytes(core->gaps.items[i].range);
		if (core->has_page_map)
			reason->resident += page_map_resident(&core->page_map, core->gaps.items[i].range);
		reason->gaps++;
	}
	for (size_t i = 0; i < REASONS && reasons[i].text; i++) {
		if (core->has_page_map)
			snprintf(known, sizeof known, ", %s resident,",
					 size_format(reasons[i].resident, resident));
		MISSING(missing, "Not in the file: %s%s in %zu range%s (%s).",
				size_format(reasons[i].bytes, size), known, reasons[i].gaps,
				reasons[i].gaps == 1 ? "" : "s", names_safe(reasons[i].text, missing->pool));
	}
}

static void miss_heap(const struct missing *missing, const struct heap *heap, bool has_pointers)
{
	size_t unknown = 0, locked = 0;
	char threads[COUNT_TEXT];

	if (!heap->found)
		MISSING(missing, "Chunks: no glibc heap was recognised%s%s.",
				heap->basis && *heap->basis ? ": " : "",
				heap->basis ? names_safe(heap->basis, missing->pool) : "");
	for (size_t i = 0; heap->found && has_pointers && i < heap->threads.count; i++)
		unknown += heap->threads.items[i].arena < 0;
	for (size_t i = 0; i < heap->arenas.count; i++)
		locked += heap->arenas.items[i].locked;
	if (unknown)
		MISSING(missing, "The arena of %zu of %s: %s never allocated, or it is not known.", unknown,
				count_of(heap->threads.count, "thread", threads), unknown == 1 ? "it" : "they");
	if (locked)
		MISSING(missing,
				"%zu arena%s locked: a thread was inside malloc, lists may be half updated.",
				locked, locked == 1 ? " was" : "s were");
}

/* A rule that a limit ended: at some places of a unit it is not known whether it matches, and
 * behind the last strike nobody has looked. */
static void miss_rule(const struct missing *missing, const struct finding_rule *rule)
{
	const struct ended_by *limit = ended_by(rule->tally.given_up);
	char places[COUNT_TEXT], bytes[SIZE_TEXT], left[2 * COUNT_TEXT + 64];

	if (!limit)
		return;
	count_of(rule->tally.undecided, "place", places);
	size_format(rule->tally.unsearched, bytes);
	if (!rule->tally.unsearched)
		snprintf(left, sizeof left, "%s are neither match nor no match", places);
	else if (!rule->tally.undecided)
		snprintf(left, sizeof left, "%s were not searched for it", bytes);
	else
		snprintf(left, sizeof left,
				 "%s are neither match nor no match, and %s were not searched for it", places,
				 bytes);
	MISSING(missing, "Rule %s %s: %s. %s", names_safe(rule->id, missing->pool), limit->sentence,
			left, limit->advice);
}

static void miss_content(const struct missing *missing, const struct findings *findings)
{
	uint64_t undecided = 0;
	char places[COUNT_TEXT];

	for (size_t i = 0; i < findings->rules.count; i++)
		if (!findings->rules.items[i].tally.given_up)
			undecided += findings->rules.items[i].tally.undecided;
	if (!findings->rules.count)
		MISSING(missing, "What is in the chunks: no rules were applied.");
	if (undecided)
		MISSING(missing, "%s where a rule's pattern hit its limit: neither match nor no match.",
				count_of(undecided, "place", places));
	for (size_t i = 0; i < findings->rules.count; i++)
		miss_rule(missing, &findings->rules.items[i]);
	if (findings->disabled_note && *findings->disabled_note)
		MISSING(missing, "%s", names_safe(findings->disabled_note, missing->pool));
}

static void copy_gaps(struct report_evidence *evidence, const struct core *core, struct pool *pool)
{
	const char *raw = NULL, *safe = NULL;

	for (size_t i = 0; i < core->gaps.count; i++) {
		const struct capture_gap *gap = &core->gaps.items[i];

		/* neighbours share their reason's text */
		if (!raw || strcmp(raw, gap->reason) != 0)
			safe = names_safe(gap->reason, pool);
		raw = gap->reason;
		*vec_add(&evidence->gaps) = (struct report_gap){ gap->range, safe };
	}
}

static void copy_facts(struct report_evidence *evidence, const struct core *core, struct pool *pool)
{
	const struct capture_facts *facts = &core->facts;
	char comm[sizeof core->comm + 1] = "";

	memcpy(comm, core->comm, sizeof core->comm);
	evidence->pid = core->has_facts ? facts->pid : core->pid;
	evidence->comm = names_safe(core->has_facts ? facts->comm : comm, pool);
	evidence->exe = names_safe(core->has_facts ? facts->exe : "", pool);
	evidence->consistency = core->has_facts ? names_safe(facts->consistency, pool) : "unknown";
	evidence->captured_at = core->has_facts ? names_safe(facts->captured_at, pool) : "";
	evidence->host = core->has_facts ? names_safe(facts->host, pool) : "";
	evidence->kernel = core->has_facts ? names_safe(facts->kernel, pool) : "";
}

void evidence_fill(struct report_evidence *evidence, const char *path, const struct core *core,
				   const struct regions *regions, const struct heap *heap,
				   const struct findings *findings, struct pool *pool)
{
	struct missing missing = { &evidence->missing, pool };

	evidence->file = names_safe(path, pool);
	evidence->bytes = core->file.bytes.size;
	evidence->complete = evidence_is_complete(core);
	evidence->writer = core->writer == CORE_BY_DUMPCORE ? "dumpcore" : "other";
	evidence->has_pause = core->has_outcome && core->outcome.pause_ns > 0;
	evidence->pause_ms = evidence->has_pause ? (double)core->outcome.pause_ns / 1e6 : 0;
	evidence->glibc_generation = names_safe(heap->generation, pool);
	evidence->glibc_basis = names_safe(heap->basis, pool);
	evidence->has_residency = core->has_page_map;
	copy_facts(evidence, core, pool);
	copy_gaps(evidence, core, pool);
	miss_parts(&missing, core);
	add_unknowns(evidence, &missing, core, regions, heap);
	miss_gaps(&missing, core);
	miss_heap(&missing, heap, evidence_knows_threads(core, heap));
	miss_content(&missing, findings);
}

/* By `consistency`; of the others all was read in the stop, and no cause is known. */
static const struct {
	const char *consistency, *cause;
} residual_causes[] = {
	{ "live", "the process ran between the two counts" },
	{ "fork",
	  "what a clone does not get (MADV_DONTFORK, shared, files) was counted while the process "
	  "ran on, or was mapped after the mappings were read and is not in the file" },
};

void evidence_miss_residual(struct report *report, const struct core *core)
{
	const struct report_memory *memory = &report->memory;
	uint64_t bytes =
		(uint64_t)(memory->residual_bytes < 0 ? -memory->residual_bytes : memory->residual_bytes);
	struct missing missing = { &report->evidence.missing, &report->pool };
	const char *cause = "VmRSS lags by some pages, and no other cause is known";
	char size[SIZE_TEXT];

	if (!memory->has_resident || bytes < memory->resident_bytes / 100 + 1)
		return;
	for (size_t i = 0; core->has_facts && i < sizeof residual_causes / sizeof *residual_causes; i++)
		if (strcmp(core->facts.consistency, residual_causes[i].consistency) == 0)
			cause = residual_causes[i].cause;
	MISSING(&missing, "Where %s are: the pages that were counted are so much %s than the RSS; %s.",
			size_format(bytes, size), memory->residual_bytes < 0 ? "more" : "less", cause);
}
