#include "analyze/input/core.h"

#include "analyze/input/elf_file.h"
#include "analyze/input/lost.h"
#include "analyze/input/note.h"
#include "analyze/input/notes.h"
#include "analyze/input/own_notes.h"
#include "analyze/input/segments.h"
#include "analyze/input/trouble.h"
#include "analyze/input/zstd_input.h"
#include "archive/format.h"
#include "base/workers.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* More note segments than any writer makes; a bound on how often the same bytes can be parsed. */
enum { NOTE_SEGMENTS_MAX = 16, DEFAULT_PAGE_BYTES = 4096 };

/* What opening a core needs and the opened one does not. */
struct opening {
	struct core *core;
	struct elf_file elf;
	struct zstd_input zstd; /* its mapping goes to the core */
	struct notes_state notes;
};

static void take_note(struct opening *opening, const struct note *note, uint64_t offset)
{
	if (lost_meets(&opening->zstd.lost, offset, offset + note->bytes.size))
		trouble_add(opening->core, "a note of type 0x%x lies in damaged bytes and was ignored",
					note->type);
	else if (note_owner_is(note, FORMAT_NOTE_OWNER))
		own_notes_take(opening->core, note);
	else
		notes_take(opening->core, &opening->notes, note);
}

static void take_note_segment(struct opening *opening, const GElf_Phdr *header)
{
	struct core *core = opening->core;
	struct span bytes = span_part(core->plain, header->p_offset, header->p_filesz);
	struct cursor cursor = cursor_make(bytes, false);
	enum note_result result;
	struct note note;

	if (bytes.size < header->p_filesz) {
		core->truncated = true;
		trouble_add(core, "the file ends inside its notes: %zu of %" PRIu64 " bytes are there",
					bytes.size, header->p_filesz);
	}
	while ((result = note_next(&cursor, header->p_align == 8 ? 8 : 4, &note)) == NOTE_READ)
		take_note(opening, &note, (uint64_t)(note.bytes.data - core->plain.data));
	if (result == NOTE_DAMAGED && bytes.size == header->p_filesz)
		trouble_add(core,
					"the notes at file offset %" PRIu64 " are damaged: what stands behind "
					"them was not read",
					header->p_offset + cursor.at);
}

static void take_notes(struct opening *opening)
{
	unsigned segments = 0;

	for (size_t i = 0; i < opening->elf.headers.count; i++) {
		const GElf_Phdr *header = &opening->elf.headers.items[i];

		if (header->p_type != PT_NOTE || header->p_filesz == 0)
			continue;
		if (++segments > NOTE_SEGMENTS_MAX) {
			trouble_add(opening->core, "more than %d note segments: the rest were ignored",
						NOTE_SEGMENTS_MAX);
			break;
		}
		take_note_segment(opening, header);
	}
	own_notes_finish(opening->core);
}

/* File offset behind the last byte that is not zero, up to the next page. */
static uint64_t written_bytes(int fd, struct span plain)
{
	off_t at = 0, data;
	uint64_t end = 0;

	while ((data = lseek(fd, at, SEEK_DATA)) >= 0 && (uint64_t)data < plain.size) {
		at = lseek(fd, data, SEEK_HOLE);
		end = at > data ? (uint64_t)at : plain.size;
		if (at <= data)
			break;
	}
	end = end < plain.size ? end : plain.size;
	while (end > 0 && plain.data[end - 1] == 0)
		end--;
	end = (end + DEFAULT_PAGE_BYTES - 1) / DEFAULT_PAGE_BYTES * DEFAULT_PAGE_BYTES;
	return end < plain.size ? end : plain.size;
}

/* An archive of full size whose trailer was never written: the capture was killed on its way, and
 * the file's zero end is nothing that was read. */
static void lose_unwritten(struct opening *opening)
{
	struct core *core = opening->core;
	uint64_t end;

	if (core->writer != CORE_BY_DUMPCORE || core->has_outcome || core->checksums.size)
		return;
	end = written_bytes(core->compressed ? opening->zstd.fd : core->file.fd, core->plain);
	if (end < core->plain.size && !lost_meets(&opening->zstd.lost, end, core->plain.size))
		*vec_add(&opening->zstd.lost) =
			(struct lost_range){ end, core->plain.size,
								 "the capture ended before these bytes were written" };
}

static int compare_gaps(const void *left, const void *right)
{
	const struct capture_gap *a = left, *b = right;

	if (a->range.start != b->range.start)
		return a->range.start < b->range.start ? -1 : 1;
	return (a->range.end > b->range.end) - (a->range.end < b->range.end);
}

static void take_structure(struct opening *opening)
{
	struct core *core = opening->core;

	core->machine = opening->elf.machine;
	core->word = opening->elf.word;
	core->page_size = DEFAULT_PAGE_BYTES;
	core->writer = CORE_BY_OTHERS;
	if (opening->elf.headers.count < opening->elf.headers_meant) {
		core->truncated = true;
		trouble_add(core, "the file ends inside its program headers: %zu of %" PRIu64 " are there",
					opening->elf.headers.count, opening->elf.headers_meant);
	}
	take_notes(opening);
	lose_unwritten(opening);
	segments_take(core, &opening->elf, &opening->zstd.lost);
	vec_sort(&core->gaps, compare_gaps);
	if (!core->segments.count && (!core->has_outcome || core->outcome.complete))
		trouble_add(core, "the core holds no memory");
}

/* The ELF bytes: the file's, or what it decompresses to. */
static bool take_plain(struct opening *opening, const char *path, unsigned workers,
					   struct progress *progress, struct err *err)
{
	struct core *core = opening->core;

	core->plain = core->file.bytes;
	if (!zstd_input_is(core->file.bytes))
		return true;
	if (!zstd_input_open(&opening->zstd, core->file.bytes, workers, progress, err))
		return err_prefix(err, "%s", path);
	core->plain = opening->zstd.plain;
	core->compressed = true;
	core->truncated = opening->zstd.truncated;
	opening->zstd.plain = span_make(NULL, 0);
	for (size_t i = 0; i < opening->zstd.troubles.count; i++)
		trouble_add(core, "%s", opening->zstd.troubles.items[i]);
	return true;
}

static bool open_file(struct opening *opening, const char *path, unsigned workers,
					  struct progress *progress, struct err *err)
{
	struct core *core = opening->core;

	if (!file_map_init(&core->file, path, err))
		return false;
	if (!core->file.bytes.size) {
		err_set(err, ERR_FORMAT, "%s is empty", path);
		return err_hint(err, "the capture failed or the copy did; see what it said");
	}
	return take_plain(opening, path, workers, progress, err) &&
		   elf_file_read(&opening->elf, core->plain, path, err);
}

bool core_open(struct core *core, const char *path, unsigned workers, struct progress *progress,
			   struct err *err)
{
	struct opening opening = { .core = core, .zstd.fd = -1 };
	bool opened;

	*core = (struct core){ .file.fd = -1, .workers = workers };
	opened = open_file(&opening, path, workers, progress, err);
	if (opened)
		take_structure(&opening);
	elf_file_deinit(&opening.elf);
	zstd_input_close(&opening.zstd);
	return opened;
}

enum { RELEASE_BYTES = 16 << 20 };

static void release_part(void *context, size_t part, unsigned worker)
{
	const struct core *core = context;
	struct span bytes = span_part(core->plain, part * RELEASE_BYTES, RELEASE_BYTES);

	(void)worker;
	madvise((void *)(uintptr_t)bytes.data, bytes.size, MADV_DONTNEED);
}

/* The kernel takes 30 ms a GiB for what was read. Threads can share in that, but not in munmap. */
static void release(struct core *core)
{
	workers_run(core->workers, (core->plain.size + RELEASE_BYTES - 1) / RELEASE_BYTES, release_part,
				core);
}

void core_close(struct core *core)
{
	release(core);
	if (core->compressed && core->plain.data)
		munmap((void *)(uintptr_t)core->plain.data, core->plain.size);
	file_map_deinit(&core->file);
	vec_deinit(&core->segments);
	vec_deinit(&core->threads);
	vec_deinit(&core->files);
	vec_deinit(&core->documents);
	page_map_deinit(&core->page_map);
	vec_deinit(&core->facts.gaps);
	vec_deinit(&core->outcome.errors);
	vec_deinit(&core->gaps);
	vec_deinit(&core->troubles);
	pool_deinit(&core->pool);
	*core = (struct core){ .file.fd = -1 };
}

bool core_is_torn(const struct core *core)
{
	return (core->has_facts && strcmp(core->facts.consistency, "live") == 0) ||
		   core->outcome.torn_from != 0;
}

struct span core_document(const struct core *core, const char *name)
{
	for (size_t i = 0; i < core->documents.count; i++)
		if (strcmp(core->documents.items[i].name, name) == 0)
			return core->documents.items[i].text;
	return span_make(NULL, 0);
}
