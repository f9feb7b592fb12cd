#include "tests/unit/unit.h"

#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "archive/format.h"
#include "archive/writer.h"
#include "base/file.h"
#include "base/pool.h"
#include "tests/support/core_exercise.h"

#include <elf.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* An archive with its memory before its headers, as a pre-copy writes it: the segments' bytes in
 * any order, bytes that belong to nobody between them. */
enum { PAGE = 4096, SLOTS = 4, PAGES = 5, FIRST = PAGE };

static const struct writer_segment slots[SLOTS] = { { 0x10000, PAGES *PAGE, PF_R, 0 },
													{ 0x40000, PAGES *PAGE, PF_R, 0 },
													{ 0x60000, PAGES *PAGE, PF_R, 0 },
													{ 0x90000, PAGES *PAGE, PF_R, 0 } };

/* Slot 1 is gone, slot 2 is in two parts with a page between them that was appended, the last
 * segment's bytes stand before those of others. Offsets of slots are PAGES pages apart. */
static const struct writer_segment final[] = {
	{ 0x10000, PAGES *PAGE, PF_R | PF_W, FIRST },
	{ 0x60000, 2 * PAGE, PF_R, FIRST + 2 * PAGES *PAGE },
	{ 0x62000, PAGE, PF_R, FIRST + (SLOTS * PAGES + 1) * PAGE },
	{ 0x63000, 2 * PAGE, PF_R, FIRST + (2 * PAGES + 3) * PAGE },
	{ 0x90000, PAGES *PAGE, PF_R, FIRST + 3 * PAGES *PAGE },
	{ 0xa0000, PAGE, PF_R | PF_X, FIRST + SLOTS *PAGES *PAGE },
};

enum { SEGMENTS = sizeof final / sizeof *final };

static struct strbuf file;

static void fill(uint8_t *page, vaddr address)
{
	memset(page, (int)(address >> 12 & 0xff), PAGE);
	memcpy(page, &address, sizeof address);
}

static void put_slots(struct writer *writer)
{
	uint8_t page[PAGE];

	for (size_t i = 0; i < SLOTS; i++) {
		writer_segment(writer);
		for (size_t at = 0; at < PAGES; at++) {
			fill(page, slots[i].start + at * PAGE);
			sink_write(writer->sink, page, PAGE);
		}
	}
	fill(page, 0xa0000);
	sink_write(writer->sink, page, PAGE);
	fill(page, 0x62000);
	sink_write(writer->sink, page, PAGE);
}

static void put_headers(struct writer *writer)
{
	static const char facts[] = "{\"consistency\":\"precopy\",\"page_size\":4096}";
	static const char outcome[] = "{\"complete\":true,\"memory_bytes\":65536}";

	writer->segments = final;
	writer->segment_count = SEGMENTS;
	writer->standard_bytes = writer_note_bytes("CORE", 3);
	writer->own_bytes = writer_note_bytes(FORMAT_NOTE_OWNER, sizeof facts - 1);
	writer_begin(writer);
	writer_note(writer, "CORE", 0x12345, span_string("odd"));
	writer_note(writer, FORMAT_NOTE_OWNER, FORMAT_NOTE_CAPTURE, span_string(facts));
	writer_trailer(writer, span_string(outcome), (struct span){ 0 });
}

static int make(void **state)
{
	int fd = memfd_create("core", MFD_CLOEXEC);
	struct sink_options options = { .fd = fd, .sparse = true, .workers = 2 };
	struct sink *sink = sink_create(&options, NULL);
	struct writer writer = { .sink = sink,
							 .machine = EM_X86_64,
							 .page_size = PAGE,
							 .segments = slots,
							 .segment_count = SLOTS };
	char path[32];

	(void)state;
	writer_begin_memory(&writer);
	put_slots(&writer);
	put_headers(&writer);
	assert_int_equal(sink_offset(sink), writer_file_bytes(&writer));
	assert_true(sink_finish(sink, NULL));
	sink_destroy(sink);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_true(file_read(AT_FDCWD, path, 1 << 30, &file, NULL));
	close(fd);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	strbuf_deinit(&file);
	return 0;
}

static void headers_stand_behind_the_memory(void **state)
{
	Elf *elf;
	size_t count;
	Elf64_Phdr *programs;

	(void)state;
	elf_version(EV_CURRENT);
	elf = elf_memory(file.data, file.size);
	assert_non_null(elf);
	assert_int_equal(elf_getphdrnum(elf, &count), 0);
	assert_int_equal(count, SEGMENTS + 3);
	assert_true(elf64_getehdr(elf)->e_phoff >= FIRST + (SLOTS * PAGES + 2) * PAGE);
	programs = elf64_getphdr(elf);
	for (size_t i = 0; i < SEGMENTS; i++) {
		const Elf64_Phdr *load = &programs[2 + i];

		assert_int_equal(load->p_type, PT_LOAD);
		assert_int_equal(load->p_vaddr, final[i].start);
		assert_int_equal(load->p_offset, final[i].offset);
		assert_int_equal(load->p_flags, final[i].flags);
		assert_int_equal(load->p_filesz, final[i].bytes);
	}
	elf_end(elf);
}

/* Opens the first `size` bytes. */
static bool open_part(struct core *core, size_t size, struct err *err)
{
	int fd = memfd_create("part", MFD_CLOEXEC);
	struct progress silent = { 0 };
	char path[32];
	bool opened;

	assert_true(file_write(fd, file.data, size));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	opened = core_open(core, path, 1, &silent, err);
	close(fd);
	return opened;
}

/* Every page that the image has is the right one. */
static size_t check_pages(const struct core *core)
{
	struct image image;
	size_t pages = 0;
	uint8_t wanted[PAGE];

	image_init(&image, core);
	for (vaddr at = 0; at < 0x100000; at += PAGE) {
		const uint8_t *there = image_at(&image, at, PAGE);

		if (!there)
			continue;
		fill(wanted, at);
		assert_memory_equal(there, wanted, PAGE);
		pages++;
	}
	image_deinit(&image);
	return pages;
}

static void the_reader_finds_every_page(void **state)
{
	struct core core;
	struct err err = { 0 };
	struct pool pool = { 0 };
	struct progress silent = { 0 };
	core_findings findings = { 0 };

	(void)state;
	if (!open_part(&core, file.size, &err))
		fail_msg("%s", err.what);
	assert_int_equal(core.writer, CORE_BY_DUMPCORE);
	assert_false(core.truncated);
	assert_true(core.has_outcome && core.outcome.complete);
	assert_int_equal(core.troubles.count, 0);
	assert_int_equal(check_pages(&core), 2 * PAGES + PAGES + 1);
	assert_true(core_verify(&core, 1, &silent, &pool, &findings));
	assert_int_equal(findings.count, 0);
	vec_deinit(&findings);
	pool_deinit(&pool);
	core_close(&core);
}

/* Cut anywhere: before its headers it is no core at all, behind them it says that it is cut. */
static void a_cut_file_is_said_to_be_cut(void **state)
{
	const Elf64_Ehdr *header = (const void *)file.data;
	size_t headers = header->e_phoff + header->e_phnum * sizeof(Elf64_Phdr);

	(void)state;
	for (size_t size = 0; size < file.size; size += size < headers + 4096 ? 509 : 40009) {
		struct core core;
		struct err err = { 0 };

		if (open_part(&core, size, &err)) {
			assert_true(core.truncated);
			check_pages(&core);
			assert_false(core.has_outcome && core.outcome.complete && !core.truncated);
		} else {
			assert_true(err.kind == ERR_FORMAT || err.kind == ERR_UNSUPPORTED);
			assert_true(strlen(err.what) > 0);
			assert_true(size < headers);
		}
		core_close(&core);
		core_exercise(span_make(file.data, size));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_stand_behind_the_memory),
		cmocka_unit_test(the_reader_finds_every_page),
		cmocka_unit_test(a_cut_file_is_said_to_be_cut),
	};

	return cmocka_run_group_tests_name("memory_first", tests, make, drop);
}
