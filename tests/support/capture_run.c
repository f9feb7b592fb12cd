#include "tests/support/capture_run.h"

#include "archive/format.h"
#include "base/file.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_file(struct capture_run *run, const char *name)
{
	if (run->taken && !file_read(AT_FDCWD, name, 1 << 30, &run->file, &run->err))
		abort();
	if (run->taken)
		unlink(name);
}

void capture_run(struct capture_run *run, pid_t pid, const struct snapshot_method *method,
				 int64_t most_pause_ns)
{
	char folder[] = "/tmp/dumpcore-run-XXXXXX", name[64];
	struct snapshot_request request = { .method = method,
										.choice = &run->choice,
										.selection_text = "native",
										.command = "test",
										.requested = method->name,
										.why = "a test",
										.most_pause_ns = most_pause_ns };

	if (!mkdtemp(folder))
		abort();
	snprintf(name, sizeof name, "%s/core", folder);
	run->snapshot = snapshot_none();
	if (!run->choice.selection)
		plan_selection_parse("native", &run->choice.selection, NULL);
	if (!target_open(&run->target, PROCFS_ROOT, pid, "test", &run->err) ||
		!output_open(&run->output, name, &run->err))
		abort();
	choice_learn(&run->choice, &run->target.mappings);
	run->taken = snapshot_run(&run->snapshot, &request, &run->target, &run->output, &run->progress,
							  &run->err);
	output_close(&run->output);
	read_file(run, name);
	rmdir(folder);
}

void capture_run_deinit(struct capture_run *run)
{
	snapshot_deinit(&run->snapshot);
	target_close(&run->target);
	choice_deinit(&run->choice);
	strbuf_deinit(&run->file);
	*run = (struct capture_run){ 0 };
}

/* The headers are this machine's own: no reader of foreign files is needed. */
static const Elf64_Phdr *programs_of(const struct capture_run *run, size_t *count)
{
	const Elf64_Ehdr *header = (const void *)run->file.data;
	const Elf64_Shdr *sections = (const void *)(run->file.data + header->e_shoff);

	*count = header->e_phnum == PN_XNUM ? sections[0].sh_info : header->e_phnum;
	return (const void *)(run->file.data + header->e_phoff);
}

int capture_run_byte(const struct capture_run *run, vaddr address)
{
	size_t count;
	const Elf64_Phdr *programs = programs_of(run, &count);

	for (size_t i = 0; i < count; i++)
		if (programs[i].p_type == PT_LOAD && address >= programs[i].p_vaddr &&
			address - programs[i].p_vaddr < programs[i].p_filesz)
			return (uint8_t)run->file.data[programs[i].p_offset + address - programs[i].p_vaddr];
	return -1;
}

/* Of documents only the one of that name counts, where one is given. */
static size_t walk_notes(struct span notes, uint32_t type, const char *document, struct span *found)
{
	struct cursor cursor = cursor_make(notes, false);
	size_t count = 0;

	while (cursor_left(&cursor)) {
		uint32_t name = cursor_u32(&cursor), size = cursor_u32(&cursor);
		bool wanted = cursor_u32(&cursor) == type;
		struct span description;

		cursor_skip(&cursor, (name + 3U) & ~3U);
		description = span_part(notes, cursor.at, size);
		if (wanted && document)
			wanted = description.size > strlen(document) &&
					 memcmp(description.data, document, strlen(document) + 1) == 0;
		if (wanted)
			*found = description;
		count += wanted;
		cursor_skip(&cursor, (size + 3U) & ~3U);
		if (!cursor_ok(&cursor))
			abort();
	}
	return count;
}

static size_t find_notes(const struct capture_run *run, uint32_t type, const char *document,
						 struct span *found)
{
	size_t count, notes = 0;
	const Elf64_Phdr *programs = programs_of(run, &count);

	for (size_t i = 0; i < count; i++)
		if (programs[i].p_type == PT_NOTE)
			notes += walk_notes(
				span_part(strbuf_span(&run->file), programs[i].p_offset, programs[i].p_filesz),
				type, document, found);
	return notes;
}

size_t capture_run_notes(const struct capture_run *run, uint32_t type, struct span *found)
{
	return find_notes(run, type, NULL, found);
}

bool capture_run_document(const struct capture_run *run, const char *name, struct span *text)
{
	struct span note;

	if (find_notes(run, FORMAT_NOTE_DOCUMENT, name, &note) != 1)
		return false;
	*text = span_part(note, strlen(name) + 1, note.size - strlen(name) - 1);
	return true;
}

enum page_state capture_run_state(const struct capture_run *run, vaddr address)
{
	struct page_map map;
	struct span note;
	enum page_state state = PAGE_STATES;
	size_t index;

	if (capture_run_notes(run, FORMAT_NOTE_PAGE_MAP, &note) != 1 ||
		!page_map_decode(note, false, &map, NULL))
		return PAGE_STATES;
	index = page_map_find(&map, address);
	if (index < map.runs.count && map.runs.items[index].range.start <= address)
		state = map.runs.items[index].state;
	page_map_deinit(&map);
	return state;
}
