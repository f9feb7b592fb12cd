#include "analyze/input/own_notes.h"

#include "analyze/input/trouble.h"
#include "archive/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two for each thread, and those of the process. */
#define DOCUMENTS_MAX (2 * FORMAT_MAX_THREADS + 1000)

/* A first note of its kind. */
static bool is_first(struct core *core, bool seen, const char *what)
{
	if (seen)
		trouble_add(core, "a second %s note was ignored", what);
	return !seen;
}

static void take_facts(struct core *core, struct span bytes)
{
	struct err err = { 0 };

	if (!is_first(core, core->has_facts, "capture"))
		return;
	core->has_facts = capture_facts_decode(bytes, &core->pool, &core->facts, &err);
	if (!core->has_facts)
		trouble_add(core, "the capture description cannot be read: %s", err.what);
}

static void take_page_map(struct core *core, struct span bytes)
{
	struct err err = { 0 };

	if (!is_first(core, core->has_page_map, "page map"))
		return;
	core->has_page_map = page_map_decode(bytes, false, &core->page_map, &err);
	if (core->has_page_map)
		return;
	trouble_add(core, "the page map cannot be read, what is resident is not known: %s", err.what);
	page_map_deinit(&core->page_map);
	memset(&core->page_map, 0, sizeof core->page_map);
}

static void take_document(struct core *core, struct span bytes)
{
	struct cursor cursor = cursor_make(bytes, false);
	struct span name = cursor_cstring(&cursor);
	struct core_document *document;

	if (!cursor_ok(&cursor) || !name.size) {
		trouble_add(core, "a document without a name was ignored");
		return;
	}
	if (core->documents.count >= DOCUMENTS_MAX) {
		trouble_add(core, "more than %llu documents: the rest were ignored",
					(unsigned long long)DOCUMENTS_MAX);
		return;
	}
	document = vec_add(&core->documents);
	document->name = pool_span(&core->pool, name);
	document->text = cursor_bytes(&cursor, cursor_left(&cursor));
}

static void take_outcome(struct core *core, struct span bytes)
{
	struct err err = { 0 };

	if (!is_first(core, core->has_outcome, "outcome"))
		return;
	core->outcome_note = bytes;
	core->has_outcome = capture_outcome_decode(bytes, &core->pool, &core->outcome, &err);
	if (!core->has_outcome)
		trouble_add(core, "the capture's outcome cannot be read: %s", err.what);
}

static void take_checksums(struct core *core, struct span bytes)
{
	if (is_first(core, core->checksums.size > 0, "checksum"))
		core->checksums = bytes;
}

static void take_filler(struct core *core, struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.data[i]) {
			trouble_add(core, "the end of the trailer is damaged: its filler is not zeros");
			return;
		}
}

struct own_note_row {
	uint32_t type;
	void (*take)(struct core *core, struct span bytes);
};

static const struct own_note_row own_note_rows[] = {
	{ FORMAT_NOTE_CAPTURE, take_facts },       { FORMAT_NOTE_PAGE_MAP, take_page_map },
	{ FORMAT_NOTE_DOCUMENT, take_document },   { FORMAT_NOTE_OUTCOME, take_outcome },
	{ FORMAT_NOTE_CHECKSUMS, take_checksums }, { FORMAT_NOTE_FILLER, take_filler },
};

void own_notes_take(struct core *core, const struct note *note)
{
	core->writer = CORE_BY_DUMPCORE;
	for (size_t i = 0; i < sizeof own_note_rows / sizeof *own_note_rows; i++) {
		if (own_note_rows[i].type == note->type) {
			own_note_rows[i].take(core, note->bytes);
			return;
		}
	}
	trouble_add(core, "a note of type 0x%x is newer than this program and was ignored", note->type);
}

struct thread_key {
	uint32_t tid;
	size_t index;
};

static int compare_keys(const void *left, const void *right)
{
	const struct thread_key *a = left, *b = right;

	return (a->tid > b->tid) - (a->tid < b->tid);
}

/* The TID of "task/TID/comm"; 0 where the name is another. */
static uint32_t comm_tid(const char *name)
{
	char *end;
	unsigned long tid;

	if (strncmp(name, "task/", 5) != 0)
		return 0;
	tid = strtoul(name + 5, &end, 10);
	return strcmp(end, "/comm") == 0 && tid <= UINT32_MAX ? (uint32_t)tid : 0;
}

static void name_thread(struct core_thread *thread, struct span text)
{
	size_t i;

	for (i = 0; i < text.size && i + 1 < sizeof thread->name && text.data[i] != '\n'; i++)
		thread->name[i] = (char)text.data[i];
	thread->name[i] = '\0';
}

static void name_threads(struct core *core)
{
	VEC(struct thread_key) keys = { 0 };

	for (size_t i = 0; i < core->threads.count; i++)
		*vec_add(&keys) = (struct thread_key){ core->threads.items[i].tid, i };
	vec_sort(&keys, compare_keys);
	for (size_t i = 0; keys.count && i < core->documents.count; i++) {
		struct thread_key wanted = { comm_tid(core->documents.items[i].name), 0 };
		struct thread_key *found =
			bsearch(&wanted, keys.items, keys.count, sizeof *keys.items, compare_keys);

		if (wanted.tid && found)
			name_thread(&core->threads.items[found->index], core->documents.items[i].text);
	}
	vec_deinit(&keys);
}

static void take_gaps(struct core *core, const capture_gaps *gaps)
{
	for (size_t i = 0; i < gaps->count; i++)
		*vec_add(&core->gaps) = gaps->items[i];
}

static bool is_page_size(uint32_t size)
{
	return size >= 4096 && size <= 1 << 20 && !(size & (size - 1));
}

static void say_incomplete(struct core *core)
{
	if (core->has_outcome)
		return; /* it says itself whether the capture is complete */
	core->truncated = true;
	trouble_add(core, "the capture did not reach its end: it has no outcome");
}

void own_notes_finish(struct core *core)
{
	if (core->writer != CORE_BY_DUMPCORE)
		return;
	name_threads(core);
	if (core->has_facts) {
		if (is_page_size(core->facts.page_size))
			core->page_size = core->facts.page_size;
		if (!core->pid)
			core->pid = core->facts.pid;
		take_gaps(core, &core->facts.gaps);
	}
	if (core->has_outcome)
		take_gaps(core, &core->outcome.errors);
	say_incomplete(core);
}
