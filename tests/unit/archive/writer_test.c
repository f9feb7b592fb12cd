#include "tests/unit/unit.h"

#include "archive/format.h"
#include "archive/writer.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, LARGE = 3 << 20 };

static const char outcome_text[] = "{\"complete\":true}";

/* A finished file and the views a reader takes of it. */
struct core {
	struct strbuf file;
	const Elf64_Ehdr *header;
	const Elf64_Phdr *programs;
	const Elf64_Shdr *sections;
};

static uint64_t put_memory(struct writer *writer)
{
	uint64_t written = 0;

	for (size_t i = 0; i < writer->segment_count; i++) {
		uint8_t page[PAGE];

		memset(page, (int)(i % 250) + 1, sizeof page);
		writer_segment(writer);
		sink_write(writer->sink, page, sizeof page);
		sink_hole(writer->sink, writer->segments[i].bytes - sizeof page);
		written += sizeof page;
	}
	return written;
}

static void write_notes(struct writer *writer)
{
	writer_note(writer, "CORE", NT_PRPSINFO, span_string("odd size"));
	writer_note(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_CAPTURE, span_string("{}"));
	writer_document(writer, "status", span_string("Name:\tx\n"));
}

static void make(const struct writer_segment *segments, size_t count, struct core *core)
{
	int fd = memfd_create("core", MFD_CLOEXEC);
	struct sink_options options = { .fd = fd, .sparse = true, .workers = 2 };
	struct sink *sink = sink_create(&options, NULL);
	struct writer writer = { .sink = sink,
							 .machine = EM_X86_64,
							 .page_size = PAGE,
							 .segments = segments,
							 .segment_count = count,
							 .standard_bytes = writer_note_bytes("CORE", 8) };
	char path[32];

	writer.own_bytes = writer_note_bytes(FORMAT_NOTE_OWNER, 2) + writer_document_bytes("status", 8);
	writer_begin(&writer);
	write_notes(&writer);
	put_memory(&writer);
	writer_trailer(&writer, span_string(outcome_text), (struct span){ 0 });
	assert_int_equal(sink_offset(sink), writer_file_bytes(&writer));
	assert_true(sink_finish(sink, NULL));
	sink_destroy(sink);
	*core = (struct core){ 0 };
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_true(file_read(AT_FDCWD, path, 1 << 30, &core->file, NULL));
	close(fd);
	core->header = (const void *)core->file.data;
	core->programs = (const void *)(core->file.data + core->header->e_phoff);
	core->sections = (const void *)(core->file.data + core->header->e_shoff);
}

static const struct writer_segment three[] = { { 0x10000, PAGE, PF_R, 0 },
											   { 0x20000, LARGE, PF_R | PF_W, 0 },
											   { 0x7fff00000000, 2 * PAGE, PF_R | PF_X, 0 } };

static void segments_hold_their_bytes(void **state)
{
	struct core core;

	(void)state;
	make(three, 3, &core);
	assert_memory_equal(core.header->e_ident, ELFMAG, SELFMAG);
	assert_int_equal(core.header->e_type, ET_CORE);
	assert_int_equal(core.header->e_phnum, 6);
	for (size_t i = 0; i < 3; i++) {
		const Elf64_Phdr *load = &core.programs[2 + i];
		const uint8_t *bytes = (const uint8_t *)core.file.data + load->p_offset;

		assert_int_equal(load->p_type, PT_LOAD);
		assert_int_equal(load->p_offset % PAGE, 0);
		assert_int_equal(load->p_vaddr, three[i].start);
		assert_int_equal(load->p_filesz, three[i].bytes);
		assert_int_equal(load->p_memsz, three[i].bytes);
		assert_int_equal(load->p_flags, three[i].flags);
		assert_int_equal(bytes[0], i + 1);
		assert_int_equal(bytes[PAGE - 1], i + 1);
		if (three[i].bytes > PAGE)
			assert_int_equal(bytes[PAGE], 0);
	}
	strbuf_deinit(&core.file);
}

/* Counts the notes of a segment; the cursor must end exactly at its end. */
static size_t walk_notes(const struct core *core, const Elf64_Phdr *segment, uint32_t wanted,
						 struct span *found)
{
	struct span bytes = span_part(strbuf_span(&core->file), segment->p_offset, segment->p_filesz);
	struct cursor cursor = cursor_make(bytes, false);
	size_t count = 0;

	assert_int_equal(bytes.size, segment->p_filesz);
	for (; cursor_left(&cursor); count++) {
		uint32_t name = cursor_u32(&cursor), size = cursor_u32(&cursor), type = cursor_u32(&cursor);
		struct span text;

		cursor_skip(&cursor, name);
		cursor_align(&cursor, 4);
		text = cursor_bytes(&cursor, size);
		cursor_align(&cursor, 4);
		assert_true(cursor_ok(&cursor));
		if (type == wanted)
			*found = text;
	}
	return count;
}

static void notes_fill_their_segments(void **state)
{
	struct core core;
	struct span text = { 0 };

	(void)state;
	make(three, 3, &core);
	assert_int_equal(walk_notes(&core, &core.programs[0], NT_PRPSINFO, &text), 1);
	assert_true(span_equal(text, span_string("odd size")));
	assert_int_equal(walk_notes(&core, &core.programs[1], FORMAT_NOTE_DOCUMENT, &text), 2);
	assert_true(span_equal(text, span_make("status\0Name:\tx\n", 15)));
	assert_int_equal(walk_notes(&core, &core.programs[5], FORMAT_NOTE_OUTCOME, &text), 3);
	assert_true(span_equal(text, span_string(outcome_text)));
	assert_int_equal(core.programs[5].p_offset + core.programs[5].p_filesz, core.file.size);
	strbuf_deinit(&core.file);
}

static void sections_show_the_notes(void **state)
{
	struct core core;

	(void)state;
	make(three, 3, &core);
	assert_int_equal(core.header->e_shnum, 5);
	for (size_t i = 1; i <= 3; i++) {
		const Elf64_Phdr *note = &core.programs[i == 3 ? 5 : i - 1];

		assert_int_equal(core.sections[i].sh_type, SHT_NOTE);
		assert_int_equal(core.sections[i].sh_offset, note->p_offset);
		assert_int_equal(core.sections[i].sh_size, note->p_filesz);
	}
	assert_string_equal(core.file.data + core.sections[4].sh_offset + core.sections[2].sh_name,
						"note.dumpcore");
	assert_string_equal(core.file.data + core.sections[4].sh_offset + core.sections[3].sh_name,
						"note.trailer");
	strbuf_deinit(&core.file);
}

static void checksums_cover_all_before_the_trailer(void **state)
{
	struct core core;
	struct span text = { 0 };
	const struct format_checksums *header;

	(void)state;
	make(three, 3, &core);
	walk_notes(&core, &core.programs[5], FORMAT_NOTE_CHECKSUMS, &text);
	header = (const void *)text.data;
	assert_int_equal(header->covered_bytes, core.programs[5].p_offset);
	assert_int_equal(header->blocks, (header->covered_bytes + FORMAT_BLOCK_BYTES - 1) >> 20);
	assert_int_equal(text.size, sizeof *header + 8 * header->blocks);
	strbuf_deinit(&core.file);
}

/* 65,535 program headers and more do not fit e_phnum. */
static void counts_beyond_16_bits_go_to_section_0(void **state)
{
	enum { MANY = PN_XNUM - 3 };
	struct writer_segment *segments = mem_zeroed(MANY, sizeof *segments);
	struct core core;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		segments[i] = (struct writer_segment){ 0x10000 + i * 2 * PAGE, PAGE, PF_R, 0 };
	make(segments, MANY, &core);
	assert_int_equal(core.header->e_phnum, PN_XNUM);
	assert_int_equal(core.sections[0].sh_info, MANY + 3);
	assert_int_equal(core.programs[MANY + 2].p_type, PT_NOTE);
	strbuf_deinit(&core.file);
	make(segments, MANY - 1, &core);
	assert_int_equal(core.header->e_phnum, PN_XNUM - 1);
	assert_int_equal(core.sections[0].sh_info, 0);
	strbuf_deinit(&core.file);
	free(segments);
}

static void no_memory_at_all_is_a_core_too(void **state)
{
	struct core core;

	(void)state;
	make(NULL, 0, &core);
	assert_int_equal(core.header->e_phnum, 3);
	strbuf_deinit(&core.file);
}

/* A target that died: the segments that were not reached are holes, the trailer stands. */
static void unwritten_segments_become_holes(void **state)
{
	int fd = memfd_create("core", MFD_CLOEXEC);
	struct sink_options options = { .fd = fd, .sparse = true, .workers = 1 };
	struct sink *sink = sink_create(&options, NULL);
	struct writer writer = {
		.sink = sink, .machine = EM_X86_64, .page_size = PAGE, .segments = three, .segment_count = 3
	};

	(void)state;
	writer_begin(&writer);
	writer_segment(&writer);
	writer_trailer(&writer, span_string(outcome_text), (struct span){ 0 });
	assert_true(sink_finish(sink, NULL));
	assert_int_equal(lseek(fd, 0, SEEK_END), writer_file_bytes(&writer));
	sink_destroy(sink);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_hold_their_bytes),
		cmocka_unit_test(notes_fill_their_segments),
		cmocka_unit_test(sections_show_the_notes),
		cmocka_unit_test(checksums_cover_all_before_the_trailer),
		cmocka_unit_test(counts_beyond_16_bits_go_to_section_0),
		cmocka_unit_test(no_memory_at_all_is_a_core_too),
		cmocka_unit_test(unwritten_segments_become_holes),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
