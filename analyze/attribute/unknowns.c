#include "analyze/attribute/unknowns.h"

#include "analyze/attribute/evidence.h"
#include "archive/proc_text.h"

static bool lacks_page_map(const struct unknowns_from *from)
{
	return !from->core->has_page_map && from->core->word != 4;
}

static bool lacks_page_map_of_32(const struct unknowns_from *from)
{
	return !from->core->has_page_map && from->core->word == 4;
}

static bool lacks_rss(const struct unknowns_from *from)
{
	uint64_t rss;

	return from->core->has_page_map &&
		   !proc_text_number(core_document(from->core, FORMAT_DOCUMENT_STATUS), "VmRSS", &rss);
}

static bool lacks_names_of_mappings(const struct unknowns_from *from)
{
	return !from->regions->from_proc;
}

static bool lacks_modules(const struct unknowns_from *from)
{
	return !from->regions->from_proc && !from->core->files.count;
}

static bool lacks_threads(const struct unknowns_from *from)
{
	return !from->core->threads.count;
}

static bool lacks_thread_pointers(const struct unknowns_from *from)
{
	return from->core->threads.count && !evidence_knows_threads(from->core, from->heap);
}

static bool lacks_names_of_threads(const struct unknowns_from *from)
{
	for (size_t i = 0; i < from->core->threads.count; i++)
		if (from->core->threads.items[i].name[0])
			return false;
	return from->core->threads.count > 0;
}

static bool lacks_facts(const struct unknowns_from *from)
{
	return !from->core->has_facts;
}

static bool lacks_process(const struct unknowns_from *from)
{
	return !from->core->has_facts && !from->core->pid;
}

/* What is unknown where something is not in the file. */
static const struct {
	bool (*lacks)(const struct unknowns_from *);
	struct report_unknown row;
} table[] = {
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

const struct report_unknown *unknowns_next(const struct unknowns_from *from, size_t *at)
{
	while (*at < sizeof table / sizeof *table) {
		size_t row = (*at)++;

		if (table[row].lacks(from))
			return &table[row].row;
	}
	return NULL;
}
