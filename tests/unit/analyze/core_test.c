#include "tests/unit/unit.h"

#include "analyze/input/core.h"
#include "archive/format.h"
#include "base/cleanup.h"
#include "tests/support/core_builder.h"
#include "tests/support/core_exercise.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

/* Two touching segments, a part of one, a thread. */
static void build_core(struct core_builder *builder, uint16_t machine)
{
	core_builder_init(builder, machine);
	core_builder_segment(builder, 0x20000, "second", 6, PF_R | PF_W);
	core_builder_segment(builder, 0x10000, "first", 5, PF_R);
	core_builder_segment_part(builder, 0x30000, 2 * PAGE, "part", 4, PF_R | PF_X);
	core_builder_thread(builder, 7, 0x30000, 0x20002, 0);
}

static void expect_core(const struct core *core, unsigned word)
{
	assert_int_equal(core->word, word);
	assert_int_equal(core->writer, CORE_BY_OTHERS);
	assert_int_equal(core->page_size, PAGE);
	assert_int_equal(core->segments.count, 3);
	assert_true(core->segments.items[0].start == 0x10000);
	assert_true(span_equal(core->segments.items[0].bytes, span_string("first")));
	assert_true(span_equal(core->segments.items[1].bytes, span_string("second")));
	assert_int_equal(core->segments.items[1].flags, PF_R | PF_W);
	assert_true(span_equal(core->segments.items[2].bytes, span_string("part")));
	assert_int_equal(core->segments.items[2].memory_bytes, 2 * PAGE);
	assert_int_equal(core->threads.count, 1);
	assert_false(core->truncated);
	assert_int_equal(core->troubles.count, 0);
}

static void every_machine_is_read(void **state)
{
	static const struct {
		uint16_t machine;
		unsigned word;
	} rows[] = { { EM_X86_64, 8 }, { EM_386, 4 }, { EM_AARCH64, 8 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct core_builder builder;
		struct core core;
		struct err err = { 0 };

		build_core(&builder, rows[i].machine);
		assert_true(core_builder_open(&builder, &core, &err));
		assert_int_equal(core.machine, rows[i].machine);
		expect_core(&core, rows[i].word);
		core_close(&core);
		core_builder_deinit(&builder);
	}
}

static void what_the_writer_left_out_is_a_gap(void **state)
{
	struct core_builder builder;
	struct core core;

	(void)state;
	build_core(&builder, EM_X86_64);
	assert_true(core_builder_open(&builder, &core, NULL));
	assert_int_equal(core.gaps.count, 1);
	assert_true(core.gaps.items[0].range.start == 0x30004);
	assert_true(core.gaps.items[0].range.end == 0x30000 + 2 * PAGE);
	core_close(&core);
	core_builder_deinit(&builder);
}

static void extended_numbering_is_read(void **state)
{
	enum { COUNT = 66000 };
	struct core_builder builder;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	builder.extended = true;
	for (vaddr i = 0; i < COUNT; i++)
		core_builder_segment_part(&builder, 0x100000 + i * 2 * PAGE, PAGE, NULL, 0, PF_R);
	assert_true(core_builder_open(&builder, &core, NULL));
	assert_int_equal(core.segments.count, COUNT);
	assert_false(core.truncated);
	core_close(&core);
	core_builder_deinit(&builder);
}

/* Opens bytes that are no core; gives what was said of them. */
static struct err refused(const void *bytes, size_t size)
{
	struct core core;
	struct err err = { 0 };

	assert_false(core_builder_open_bytes(span_make(bytes, size), 1, &core, &err));
	core_close(&core);
	assert_true(err.hint[0] != '\0');
	return err;
}

static void what_is_no_core_is_named(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *said;
	} rows[] = {
		{ "", 0, "is empty" },
		{ "2026-11-21 started\nready\n", 25, "a text file" },
		{ "\x1f\x8b\x08\0\0\0\0\0", 8, "gzip" },
		{ "\xfd"
		  "7zXZ\0\0\4",
		  8, "xz" },
		{ "JAVA PROFILE 1.0.2\0", 19, "hprof" },
		{ "age-encryption.org/v1\n", 22, "encrypted with age" },
		{ "\1\2\3\4\5\6\7\0\0\0", 10, "no known format" },
		{ "\x7f"
		  "ELF\2\1\1",
		  7, "cut short" },
		{ "\x28\xb5\x2f\xfd\1", 5, "nothing can be decompressed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = refused(rows[i].bytes, rows[i].size);

		assert_int_equal(err.kind, ERR_FORMAT);
		if (!strstr(err.what, rows[i].said))
			fail_msg("\"%s\" does not say \"%s\"", err.what, rows[i].said);
	}
}

/* A pre-copy writes its headers last: a copy that was cut says what it lost. */
static void headers_behind_the_cut_are_named(void **state)
{
	Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
									   EV_CURRENT },
						  .e_type = ET_CORE,
						  .e_machine = EM_X86_64,
						  .e_version = EV_CURRENT,
						  .e_phoff = 123456,
						  .e_ehsize = sizeof header,
						  .e_phentsize = sizeof(Elf64_Phdr),
						  .e_phnum = 3 };
	struct err err = refused(&header, sizeof header);

	(void)state;
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.what, "cut short"));
	assert_non_null(strstr(err.what, "begins at byte 123456, and 64 bytes are there"));
	header.e_phoff = 0;
	err = refused(&header, sizeof header);
	assert_non_null(strstr(err.what, "no program headers"));
}

static void elf_files_of_other_kinds_are_named(void **state)
{
	static const struct {
		uint16_t type, machine;
		bool big_endian;
		unsigned word;
		enum err_kind kind;
		const char *said;
	} rows[] = {
		{ ET_EXEC, EM_X86_64, false, 8, ERR_FORMAT, "an executable, not a core" },
		{ ET_DYN, EM_X86_64, false, 8, ERR_FORMAT, "a shared library, not a core" },
		{ ET_CORE, EM_PPC64, false, 8, ERR_UNSUPPORTED, "64-bit ppc64" },
		{ ET_CORE, EM_S390, true, 8, ERR_UNSUPPORTED, "big-endian 64-bit s390x" },
		{ ET_CORE, EM_AARCH64, true, 8, ERR_UNSUPPORTED, "big-endian 64-bit aarch64" },
		{ ET_CORE, EM_X86_64, false, 4, ERR_UNSUPPORTED, "32-bit x86_64" },
		{ ET_CORE, 258, false, 8, ERR_UNSUPPORTED, "loongarch" },
		{ ET_CORE, 9999, false, 8, ERR_UNSUPPORTED, "machine 9999" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct core_builder builder;
		struct strbuf file = { 0 };
		struct err err;

		core_builder_init(&builder, rows[i].machine);
		builder.type = rows[i].type;
		builder.big_endian = rows[i].big_endian;
		builder.word = rows[i].word;
		core_builder_segment(&builder, 0x10000, "bytes", 5, PF_R);
		core_builder_build(&builder, &file);
		err = refused(file.data, file.size);
		assert_int_equal(err.kind, rows[i].kind);
		if (!strstr(err.what, rows[i].said))
			fail_msg("\"%s\" does not say \"%s\"", err.what, rows[i].said);
		strbuf_deinit(&file);
		core_builder_deinit(&builder);
	}
}

static void unreadable_files_are_errors(void **state)
{
	struct progress silent = { 0 };
	struct core core;
	struct err err = { 0 };

	(void)state;
	assert_false(core_open(&core, "/nonexistent/core", 1, &silent, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	core_close(&core);
	assert_false(core_open(&core, "/", 1, &silent, &err));
	assert_non_null(strstr(err.what, "a directory"));
	core_close(&core);
}

static void a_cut_file_costs_its_end(void **state)
{
	uint8_t memory[3 * PAGE];
	struct core_builder builder;
	struct strbuf file = { 0 };
	struct core core;
	struct err err = { 0 };

	(void)state;
	memset(memory, 'm', sizeof memory);
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x10000, memory, sizeof memory, PF_R);
	core_builder_segment(&builder, 0x20000, memory, sizeof memory, PF_R);
	core_builder_build(&builder, &file);
	assert_true(
		core_builder_open_bytes(span_make(file.data, file.size - 4 * PAGE), 1, &core, &err));
	assert_true(core.truncated);
	assert_int_equal(core.segments.items[0].bytes.size, 2 * PAGE);
	assert_int_equal(core.segments.items[1].bytes.size, 0);
	assert_int_equal(core.segments.items[1].memory_bytes, 3 * PAGE);
	assert_int_equal(core.gaps.count, 2);
	assert_true(core.gaps.items[0].range.start == 0x10000 + 2 * PAGE);
	assert_true(core.gaps.items[0].range.end == 0x10000 + 3 * PAGE);
	assert_true(core.gaps.items[1].range.start == 0x20000);
	assert_non_null(strstr(core.gaps.items[1].reason, "the file ends"));
	core_close(&core);
	strbuf_deinit(&file);
	core_builder_deinit(&builder);
}

static void impossible_segments_are_ignored(void **state)
{
	struct core_builder builder;
	struct core core;
	struct err err = { 0 };

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment_part(&builder, 0x10000, 2 * PAGE, "good", 4, PF_R);
	core_builder_segment(&builder, 0x11000, "overlaps", 8, PF_R);
	core_builder_segment_part(&builder, UINT64_MAX - PAGE, 2 * PAGE, "wraps", 5, PF_R);
	assert_true(core_builder_open(&builder, &core, &err));
	assert_int_equal(core.segments.count, 1);
	assert_int_equal(core.troubles.count, 2);
	assert_non_null(strstr(core.troubles.items[0], "overlaps"));
	assert_non_null(strstr(core.troubles.items[1], "end of the address space"));
	core_close(&core);
	core_builder_deinit(&builder);
}

/* 64 segments that all are the same bytes of the file. */
static void shared_bytes_are_taken_once(void **state)
{
	enum { COUNT = 64 };
	struct core_builder builder;
	struct strbuf file = { 0 };
	struct core core;
	struct err err = { 0 };
	uint64_t total = 0;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	for (vaddr i = 0; i < COUNT; i++)
		core_builder_segment(&builder, 0x100000 * (i + 1), NULL, PAGE, PF_R);
	core_builder_build(&builder, &file);
	for (size_t i = 0; i < COUNT; i++) {
		Elf64_Phdr header;
		char *at = file.data + sizeof(Elf64_Ehdr) + (i + 1) * sizeof header;

		memcpy(&header, at, sizeof header);
		header.p_offset = 0;
		header.p_filesz = header.p_memsz = file.size;
		memcpy(at, &header, sizeof header);
	}
	assert_true(core_builder_open_bytes(strbuf_span(&file), 1, &core, &err));
	for (size_t i = 0; i < core.segments.count; i++)
		total += core.segments.items[i].bytes.size;
	assert_true(total <= file.size);
	assert_non_null(strstr(core.troubles.items[0], "shares its bytes"));
	core_close(&core);
	strbuf_deinit(&file);
	core_builder_deinit(&builder);
}

/* Frames with a seek table, frames without, one frame without its size. */
static void compressed_cores_are_the_same(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct core_builder builder;
		struct strbuf plain = { 0 }, file = { 0 };
		struct core core;
		struct err err = { 0 };

		build_core(&builder, EM_X86_64);
		core_builder_build(&builder, &plain);
		core_builder_compress(strbuf_span(&plain), kind == 2 ? 0 : PAGE, kind == 0, &file);
		assert_true(core_builder_open_bytes(strbuf_span(&file), 2, &core, &err));
		assert_true(core.compressed);
		assert_true(span_equal(core.plain, strbuf_span(&plain)));
		expect_core(&core, 8);
		core_close(&core);
		strbuf_deinit(&plain);
		strbuf_deinit(&file);
		core_builder_deinit(&builder);
	}
}

static void every_seed_is_a_core(void **state)
{
	struct strbuf seed = { 0 };
	size_t seeds = 0;

	(void)state;
	for (; core_seed(seeds, &seed); seeds++) {
		struct core core;
		struct err err = { 0 };

		assert_true(core_exercise(strbuf_span(&seed)));
		assert_true(core_builder_open_bytes(strbuf_span(&seed), 1, &core, &err));
		assert_false(core.truncated);
		assert_int_equal(core.threads.count, 2);
		core_close(&core);
		strbuf_clear(&seed);
	}
	assert_int_equal(seeds, 7);
	strbuf_deinit(&seed);
}

/* core_exercise aborts where a promise of the headers is broken. */
static void every_truncation_is_survived(void **state)
{
	struct strbuf seed = { 0 };

	(void)state;
	for (size_t i = 0; core_seed(i, &seed); i++) {
		size_t step = seed.size / 300 + 1;

		for (size_t size = 0; size < seed.size; size += size < 600 ? 7 : step)
			core_exercise(span_make(seed.data, size));
		strbuf_clear(&seed);
	}
	strbuf_deinit(&seed);
}

static void bit_flips_are_survived(void **state)
{
	struct strbuf seed = { 0 };
	uint64_t random = 2;

	(void)state;
	for (size_t i = 0; core_seed(i, &seed); i++) {
		for (int round = 0; round < 1000; round++) {
			uint64_t place = core_random(&random, round % 2 ? seed.size : 1200);
			char old;

			place %= seed.size;
			old = seed.data[place];
			seed.data[place] = (char)(old ^ 1 << core_random(&random, 8));
			core_exercise(strbuf_span(&seed));
			seed.data[place] = old;
		}
		strbuf_clear(&seed);
	}
	strbuf_deinit(&seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_machine_is_read),
		cmocka_unit_test(what_the_writer_left_out_is_a_gap),
		cmocka_unit_test(extended_numbering_is_read),
		cmocka_unit_test(what_is_no_core_is_named),
		cmocka_unit_test(headers_behind_the_cut_are_named),
		cmocka_unit_test(elf_files_of_other_kinds_are_named),
		cmocka_unit_test(unreadable_files_are_errors),
		cmocka_unit_test(a_cut_file_costs_its_end),
		cmocka_unit_test(impossible_segments_are_ignored),
		cmocka_unit_test(shared_bytes_are_taken_once),
		cmocka_unit_test(compressed_cores_are_the_same),
		cmocka_unit_test(every_seed_is_a_core),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(bit_flips_are_survived),
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
