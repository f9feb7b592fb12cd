#include "dumpcore/describe.h"

#include "archive/format.h"
#include "base/mem.h"
#include "dumpcore/budget.h"
#include "dumpcore/notes.h"
#include "dumpcore/registers.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum {
	SMALL = 1 << 20,
	MAPS_LIMIT = 1 << 30,
	FACTS_GAP_BYTES = 128, /* of JSON for one gap */
	STANDARD_LIMIT = 1 << 30,
};

static const char tool[] = "dumpcore " DUMPCORE_VERSION;

/* Runs to expect: fragmented memory has many, but hardly one in sixteen pages. */
static size_t likely_runs(const struct target *target, uint32_t page_size)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < target->mappings.count; i++)
		bytes += target->mappings.items[i].resident_bytes + target->mappings.items[i].swapped_bytes;
	return (size_t)(bytes / page_size / 16) + 4 * target->mappings.count + 65536;
}

struct rooms {
	size_t mappings, runs; /* counts */
	size_t smaps, facts, standard;
};

static struct rooms rooms_for(const struct target *target, const struct choice *choice,
							  uint32_t page_size)
{
	struct rooms rooms = {
		.mappings = 2 * target->mappings.count + choice_splits(choice) + 1024,
		.runs = likely_runs(target, page_size),
		.smaps = documents_find(&target->documents, FORMAT_DOCUMENT_SMAPS).size,
		.standard = 2 * (target->threads + 64) * registers_room() +
					2 * notes_files_room(&target->mappings) + SMALL,
	};

	rooms.facts = rooms.mappings * FACTS_GAP_BYTES + SMALL;
	rooms.standard = rooms.standard < STANDARD_LIMIT ? rooms.standard : STANDARD_LIMIT;
	return rooms;
}

uint64_t describe_room(const struct target *target, const struct choice *choice, uint32_t page_size)
{
	struct rooms rooms = rooms_for(target, choice, page_size);

	return rooms.runs * (sizeof(struct page_run) + sizeof(struct writer_segment)) +
		   rooms.mappings * (sizeof(struct plan_item) + sizeof(struct mapping)) + 3 * rooms.smaps +
		   rooms.facts + rooms.standard;
}

void describe_reserve(struct snapshot *snapshot)
{
	struct rooms rooms =
		rooms_for(snapshot->target, snapshot->request.choice, snapshot->pages.page_size);

	registers_processor_init(&snapshot->processor);
	page_map_reserve(&snapshot->map, rooms.runs);
	plan_reserve(&snapshot->plan, rooms.mappings, rooms.runs);
	snapshot->ranges.items = mem_resize(NULL, rooms.mappings, sizeof *snapshot->ranges.items);
	snapshot->ranges.capacity = rooms.mappings;
	snapshot->now.items = mem_resize(NULL, rooms.mappings, sizeof *snapshot->now.items);
	snapshot->now.capacity = rooms.mappings;
	snapshot->stacks.items = mem_resize(NULL, rooms.mappings, sizeof *snapshot->stacks.items);
	snapshot->stacks.capacity = rooms.mappings;
	pool_reserve(&snapshot->pool, rooms.smaps);
	strbuf_room(&snapshot->maps, rooms.smaps + SMALL);
	strbuf_room(&snapshot->auxv, SMALL);
	strbuf_room(&snapshot->facts, rooms.facts);
	strbuf_room(&snapshot->standard, rooms.standard);
}

/* Pages that differ from the file's. */
static bool may_own_pages(const struct mapping *mapping)
{
	return !(mapping->protection & MAPPING_SHARED) && mapping->protection & MAPPING_WRITE;
}

static void inherit(struct mapping *mapping, const struct mapping *before)
{
	bool same =
		mapping->range.start == before->range.start && mapping->range.end == before->range.end;

	memcpy(mapping->vm_flags, before->vm_flags, sizeof mapping->vm_flags);
	if (same || before->anonymous_bytes)
		mapping->anonymous_bytes = before->anonymous_bytes;
	if (!same)
		return;
	mapping->has_counts = before->has_counts;
	mapping->resident_bytes = before->resident_bytes;
	mapping->swapped_bytes = before->swapped_bytes;
}

void describe_inherit(mappings *now, const mappings *before)
{
	size_t old = 0;

	for (size_t i = 0; i < now->count; i++) {
		struct mapping *mapping = &now->items[i];

		mapping->resident_bytes = range_bytes(mapping->range);
		mapping->anonymous_bytes = may_own_pages(mapping) ? range_bytes(mapping->range) : 0;
		while (old < before->count && before->items[old].range.end <= mapping->range.start)
			old++;
		if (old < before->count && before->items[old].range.start < mapping->range.end)
			inherit(mapping, &before->items[old]);
	}
}

bool describe_must_recount(const mappings *before)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct mapping *mapping = &before->items[i];

		if (range_bytes(mapping->range) > PLAN_ASKED_BYTES && !mapping->resident_bytes &&
			!mapping->swapped_bytes &&
			mapping->protection & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXECUTE))
			return true;
	}
	return false;
}

/* The mappings may have changed since smaps was read. maps does not walk page tables, so reading it
 * again is cheap. smaps is read only where a kernel without PAGEMAP_SCAN would have to be asked
 * about every page of a large mapping that was empty: it may have been filled. */
static bool read_maps(struct snapshot *snapshot, struct err *err)
{
	const struct procfs *procfs = &snapshot->target->procfs;
	const mappings *before = &snapshot->target->mappings;
	bool recounts = !snapshot->pages.categories && describe_must_recount(before);

	if (!procfs_read(procfs, recounts ? "smaps" : "maps", MAPS_LIMIT, &snapshot->maps, err) ||
		!proc_text_mappings(strbuf_span(&snapshot->maps), &snapshot->pool, &snapshot->now, err))
		return false;
	if (!snapshot->now.count)
		return err_set(err, ERR_GONE, "process %d has ended", (int)procfs->pid);
	if (!recounts)
		describe_inherit(&snapshot->now, before);
	return true;
}

bool describe_mappings(struct snapshot *snapshot, enum plan_torn torn, struct err *err)
{
	const struct choice *choice = snapshot->request.choice;
	const plan_selection selection = choice->selection;

	if (!read_maps(snapshot, err))
		return false;
	plan_select(&snapshot->plan, &snapshot->now, selection, snapshot->target->java_heap);
	for (size_t i = 0; i < snapshot->stacks.count; i++)
		plan_mark_stack(&snapshot->plan, snapshot->stacks.items[i], selection);
	choice_apply(choice, &snapshot->plan);
	plan_ranges(&snapshot->plan, torn, &snapshot->ranges);
	return true;
}

/* The threads' notes are made in the stop, but stand behind one that is made here too: in the order
 * gdb's gcore writes them. */
static void put_process(struct snapshot *snapshot)
{
	const struct target *target = snapshot->target;
	const struct documents *documents = &target->documents;
	uint64_t gid = 0;

	proc_text_number(documents_find(documents, FORMAT_DOCUMENT_STATUS), "Gid", &gid);
	notes_put_process(&snapshot->standard, target->procfs.pid, target->access.target_uid,
					  (gid_t)gid, &target->stat,
					  documents_find(documents, FORMAT_DOCUMENT_CMDLINE));
}

bool describe_process(struct snapshot *snapshot, struct err *err)
{
	struct target *target = snapshot->target;
	struct strbuf *out = &snapshot->standard;

	if (!documents_add(&target->documents, &target->procfs, FORMAT_DOCUMENT_STATUS, err))
		return false;
	put_process(snapshot);
	return snapshot->seize.holding
			   ? threads_put_held(&snapshot->seize, &snapshot->processor, &target->stat, out,
								  &snapshot->stacks, err)
			   : threads_put_running(&target->procfs, &target->stat, out, &snapshot->stacks, err);
}

/* The mappings as smaps had them. */
static void take_mappings_before(struct snapshot *snapshot)
{
	const mappings *before = &snapshot->target->mappings;

	snapshot->now.count = 0;
	for (size_t i = 0; i < before->count; i++)
		*vec_add(&snapshot->now) = before->items[i];
}

void describe_again(struct snapshot *snapshot)
{
	/* The first description has used up paths' worth of the pool. */
	pool_reserve(&snapshot->pool,
				 documents_find(&snapshot->target->documents, FORMAT_DOCUMENT_SMAPS).size);
	snapshot->described = snapshot->standard.size;
	snapshot->maps.size = 0;
	snapshot->now.count = snapshot->stacks.count = 0;
}

void describe_settle(struct snapshot *snapshot, bool keep_new)
{
	struct strbuf *standard = &snapshot->standard;
	size_t old = snapshot->described;

	snapshot->described = 0;
	if (!keep_new) {
		standard->size = old;
		snapshot->maps.size = 0;
		take_mappings_before(snapshot);
		return;
	}
	standard->size -= old;
	memmove(standard->data, standard->data + old, standard->size);
}

static void encode_facts(struct snapshot *snapshot)
{
	const struct target *target = snapshot->target;
	struct utsname system = { 0 };
	struct capture_facts facts = {
		.tool = tool,
		.consistency = snapshot->consistency,
		.requested = snapshot->request.requested,
		.why = snapshot->request.why,
		.captured_at = snapshot->captured_at,
		.comm = target->stat.comm,
		.exe = target->exe,
		.selection = snapshot->request.selection_text,
		.command = snapshot->request.command,
		.pid = (uint32_t)target->procfs.pid,
		.page_size = snapshot->pages.page_size,
		.gaps = snapshot->plan.gaps,
	};

	uname(&system);
	facts.host = system.nodename;
	facts.kernel = system.release;
	facts.machine = system.machine;
	capture_facts_encode(&facts, &snapshot->facts);
}

static void write_page_map(struct writer *writer, const struct page_map *map)
{
	struct strbuf piece = { 0 };
	char room[256];

	writer_note_begin(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_PAGE_MAP, page_map_encoded_bytes(map));
	/* A buffer on the stack, large enough for any piece: nothing is allocated. */
	piece = (struct strbuf){ .data = room, .capacity = sizeof room };
	page_map_encode_header(map, &piece);
	writer_bytes(writer, piece.data, piece.size);
	for (size_t i = 0; i < map->runs.count; i++) {
		piece.size = 0;
		page_map_encode_run(map, i, &piece);
		writer_bytes(writer, piece.data, piece.size);
	}
	writer_note_end(writer);
}

static uint64_t own_bytes(const struct snapshot *snapshot)
{
	const struct documents *documents = &snapshot->target->documents;
	uint64_t bytes = writer_note_bytes(FORMAT_NOTE_OWNER, snapshot->facts.size);

	if (snapshot->maps.size)
		bytes += writer_document_bytes(FORMAT_DOCUMENT_MAPS, snapshot->maps.size);
	if (snapshot->map.runs.count)
		bytes += writer_note_bytes(FORMAT_NOTE_OWNER, page_map_encoded_bytes(&snapshot->map));
	for (size_t i = 0; i < documents->items.count; i++)
		bytes += writer_document_bytes(documents->items.items[i].name,
									   documents->items.items[i].text.size);
	return bytes;
}

static void write_front(struct snapshot *snapshot, const plan_segments *segments, bool memory_first)
{
	const struct documents *documents = &snapshot->target->documents;
	struct writer *writer = &snapshot->writer;

	notes_put(&snapshot->standard, "CORE", NT_AUXV, snapshot->auxv.data, snapshot->auxv.size);
	notes_put_files(&snapshot->standard, &snapshot->now, snapshot->pages.page_size);
	encode_facts(snapshot);
	*writer = (struct writer){ .sink = snapshot->sink,
							   .machine = registers_machine(),
							   .page_size = snapshot->pages.page_size,
							   .segments = segments->items,
							   .segment_count = segments->count,
							   .standard_bytes = snapshot->standard.size,
							   .own_bytes = own_bytes(snapshot),
							   .memory_first = memory_first };
	writer_begin(writer);
	writer_bytes(writer, snapshot->standard.data, snapshot->standard.size);
	writer_note(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_CAPTURE, strbuf_span(&snapshot->facts));
	if (snapshot->map.runs.count)
		write_page_map(writer, &snapshot->map);
	if (snapshot->maps.size)
		writer_document(writer, FORMAT_DOCUMENT_MAPS, strbuf_span(&snapshot->maps));
	for (size_t i = 0; i < documents->items.count; i++)
		writer_document(writer, documents->items.items[i].name,
						strbuf_span(&documents->items.items[i].text));
}

void describe_write(struct snapshot *snapshot)
{
	if (snapshot->request.choice->most_bytes)
		budget_apply(&snapshot->plan, &snapshot->map, snapshot->request.choice->most_bytes);
	plan_lay_out(&snapshot->plan, &snapshot->map);
	write_front(snapshot, &snapshot->plan.segments, false);
}

void describe_write_last(struct snapshot *snapshot, const plan_segments *placed)
{
	write_front(snapshot, placed, true);
}

void describe_nothing(struct snapshot *snapshot)
{
	const plan_segments none = { 0 };

	if (!snapshot->standard.size)
		put_process(snapshot);
	take_mappings_before(snapshot);
	snapshot->map.runs.count = snapshot->maps.size = 0;
	snapshot->map.page_size = snapshot->pages.page_size;
	snapshot->plan.gaps.count = 0;
	write_front(snapshot, &none, false);
}

bool describe(struct snapshot *snapshot, enum plan_torn torn, struct err *err)
{
	if (!describe_process(snapshot, err) || !describe_mappings(snapshot, torn, err) ||
		!pages_scan(&snapshot->pages, &snapshot->ranges, &snapshot->map, err))
		return false;
	describe_write(snapshot);
	return true;
}
