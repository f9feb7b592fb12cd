#include "tests/unit/unit.h"

#include "analyze/input/core.h"
#include "analyze/input/note.h"
#include "analyze/input/registers.h"
#include "tests/support/core_builder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

static void open_core(struct core_builder *builder, struct core *core)
{
	struct err err = { 0 };

	if (!core_builder_open(builder, core, &err))
		fail_msg("%s", err.what);
}

/* The layout rows against the system's own structures. */
static void prstatus_is_the_kernels(void **state)
{
	struct core_builder builder;
	struct elf_prstatus status;
	struct user_regs_struct registers = { .rip = 0x1111, .rsp = 0x2222, .fs_base = 0x3333 };
	struct core core;

	(void)state;
	memset(&status, 0xee, sizeof status);
	status.pr_pid = 4711;
	memcpy(&status.pr_reg, &registers, sizeof registers);
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
	core_builder_note(&builder, "CORE", NT_PRSTATUS, &status, sizeof status);
	open_core(&builder, &core);
	assert_int_equal(core.threads.count, 1);
	assert_int_equal(core.threads.items[0].tid, 4711);
	assert_int_equal(core.threads.items[0].pc, 0x1111);
	assert_int_equal(core.threads.items[0].sp, 0x2222);
	assert_int_equal(core.threads.items[0].tp, 0x3333);
	core_close(&core);
	core_builder_deinit(&builder);
}

/* The names of registers against the system's own structure: each one has a value of its own. */
static void registers_have_their_names(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		{ "r15", offsetof(struct user_regs_struct, r15) },
		{ "r12", offsetof(struct user_regs_struct, r12) },
		{ "rbx", offsetof(struct user_regs_struct, rbx) },
		{ "rax", offsetof(struct user_regs_struct, rax) },
		{ "rdi", offsetof(struct user_regs_struct, rdi) },
		{ "rip", offsetof(struct user_regs_struct, rip) },
		{ "rsp", offsetof(struct user_regs_struct, rsp) },
		{ "fs_base", offsetof(struct user_regs_struct, fs_base) },
		{ "gs", offsetof(struct user_regs_struct, gs) },
	};
	struct core_builder builder;
	struct elf_prstatus status = { 0 };
	struct core core;

	(void)state;
	for (unsigned i = 0; i < sizeof(struct user_regs_struct) / 8; i++)
		status.pr_reg[i] = 0x100 + i;
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
	core_builder_note(&builder, "CORE", NT_PRSTATUS, &status, sizeof status);
	open_core(&builder, &core);
	assert_int_equal(registers_count(&core, &core.threads.items[0]),
					 sizeof(struct user_regs_struct) / 8);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(registers_name(EM_X86_64, rows[i].offset / 8), rows[i].name);
		assert_int_equal(registers_get(&core, &core.threads.items[0], rows[i].offset / 8),
						 0x100 + rows[i].offset / 8);
	}
	assert_string_equal(registers_name(EM_X86_64, 27), "");
	core_close(&core);
	core_builder_deinit(&builder);
}

/* Where the builder puts pc and sp, which is the row of another table. With nothing but these a
 * thread's registers are not known. */
static void registers_of_every_machine(void **state)
{
	static const struct {
		uint16_t machine;
		size_t count;
		const char *pc, *sp;
	} rows[] = { { EM_X86_64, 27, "rip", "rsp" },
				 { EM_386, 17, "eip", "esp" },
				 { EM_AARCH64, 34, "pc", "sp" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct core_thread *thread;
		struct core_builder builder;
		size_t found = 0;
		struct core core;

		core_builder_init(&builder, rows[i].machine);
		core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
		core_builder_thread(&builder, 4711, 0x1111, 0x2222, 0);
		open_core(&builder, &core);
		thread = &core.threads.items[0];
		assert_int_equal(thread->registers.size, rows[i].count * core.word);
		if (rows[i].machine != EM_386) /* the builder sets %gs as well */
			assert_int_equal(registers_count(&core, thread), 0);
		for (size_t j = 0; j < rows[i].count; j++) {
			const char *name = registers_name(rows[i].machine, j);
			uint64_t value = registers_get(&core, thread, j);

			assert_true(*name);
			found += strcmp(name, rows[i].pc) == 0 && value == 0x1111;
			found += strcmp(name, rows[i].sp) == 0 && value == 0x2222;
		}
		assert_int_equal(found, 2);
		core_close(&core);
		core_builder_deinit(&builder);
	}
}

static void prpsinfo_is_the_kernels(void **state)
{
	struct core_builder builder;
	struct elf_prpsinfo info;
	struct core core;

	(void)state;
	memset(&info, 'x', sizeof info);
	info.pr_pid = 4711;
	strcpy(info.pr_psargs, "program -v");
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
	core_builder_note(&builder, "CORE", NT_PRPSINFO, &info, sizeof info);
	open_core(&builder, &core);
	assert_int_equal(core.pid, 4711);
	assert_string_equal(core.comm, "xxxxxxxxxxxxxxxx"); /* no terminator in the note */
	assert_string_equal(core.arguments, "program -v");
	core_close(&core);
	core_builder_deinit(&builder);
}

static void thread_pointers_come_from_their_notes(void **state)
{
	static const uint16_t machines[] = { EM_X86_64, EM_386, EM_AARCH64 };

	(void)state;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
		struct core_builder builder;
		struct core core;

		core_builder_init(&builder, machines[i]);
		core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
		core_builder_thread(&builder, 1, 0x10, 0x20, 0x7700);
		core_builder_thread(&builder, 2, 0x11, 0x21, 0x8800);
		core_builder_thread(&builder, 3, 0x12, 0x22, 0);
		core_builder_process(&builder, 1, "name", "name with arguments");
		open_core(&builder, &core);
		assert_int_equal(core.threads.count, 3);
		assert_int_equal(core.threads.items[0].tp, 0x7700);
		assert_int_equal(core.threads.items[1].tp, 0x8800);
		assert_int_equal(core.threads.items[2].tp, 0);
		assert_int_equal(core.threads.items[1].tid, 2);
		assert_int_equal(core.threads.items[1].pc, 0x11);
		assert_int_equal(core.threads.items[1].sp, 0x21);
		assert_int_equal(core.pid, 1);
		assert_string_equal(core.comm, "name");
		assert_string_equal(core.arguments, "name with arguments");
		core_close(&core);
		core_builder_deinit(&builder);
	}
}

/* The kernel counts offsets in pages, gdb in bytes. */
static void files_are_read_in_both_units(void **state)
{
	static const uint32_t units[] = { 4096, 1 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct core_builder builder;
		struct core core;

		core_builder_init(&builder, i ? EM_386 : EM_X86_64);
		builder.file_page_size = units[i];
		core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
		core_builder_file(&builder, (struct range){ 0x1000, 0x2000 }, 0, "/bin/a b");
		core_builder_file(&builder, (struct range){ 0x4000, 0x9000 }, 0x3000, "/lib/c.so");
		open_core(&builder, &core);
		assert_int_equal(core.files.count, 2);
		assert_string_equal(core.files.items[0].path, "/bin/a b");
		assert_string_equal(core.files.items[1].path, "/lib/c.so");
		assert_int_equal(core.files.items[1].range.start, 0x4000);
		assert_int_equal(core.files.items[1].range.end, 0x9000);
		assert_int_equal(core.files.items[1].offset, 0x3000);
		core_close(&core);
		core_builder_deinit(&builder);
	}
}

static void auxv_gives_page_size_vdso_and_entry(void **state)
{
	struct core_builder builder;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_AARCH64);
	core_builder_segment(&builder, 0x10000, "x", 1, PF_R);
	core_builder_auxv(&builder, AT_PAGESZ, 65536);
	core_builder_auxv(&builder, AT_SYSINFO_EHDR, 0xabc0000);
	core_builder_auxv(&builder, AT_ENTRY, 0x10040);
	core_builder_auxv(&builder, AT_NULL, 0);
	core_builder_auxv(&builder, AT_ENTRY, 1);
	open_core(&builder, &core);
	assert_int_equal(core.page_size, 65536);
	assert_int_equal(core.vdso, 0xabc0000);
	assert_int_equal(core.entry, 0x10040);
	core_close(&core);
	core_builder_deinit(&builder);
}

static void odd_notes_are_troubles(void **state)
{
	static const uint64_t endless_files[] = { UINT64_MAX / 24, 4096, 0, 0, 0 };
	static const uint64_t nameless_file[] = { 1, 4096, 0x1000, 0x2000, 0, UINT64_MAX };
	struct core_builder builder;
	struct core core;

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
	core_builder_note(&builder, "CORE", NT_PRSTATUS, "short", 5);
	core_builder_note(&builder, "CORE", NT_PRPSINFO, "short", 5);
	core_builder_note(&builder, "CORE", NT_PRPSINFO, "second", 6);
	core_builder_note(&builder, "CORE", NT_FILE, endless_files, sizeof endless_files);
	core_builder_note(&builder, "LINUX", NT_ARM_TLS, "no thread yet", 13);
	core_builder_note(&builder, "VENDOR", NT_PRSTATUS, "not ours", 8);
	core_builder_note(&builder, "CORE", 12345, "unknown", 7);
	open_core(&builder, &core);
	assert_int_equal(core.threads.count, 0);
	assert_int_equal(core.files.count, 0);
	assert_int_equal(core.pid, 0);
	assert_int_equal(core.troubles.count, 4);
	assert_non_null(strstr(core.troubles.items[0], "NT_PRSTATUS of 5 bytes"));
	assert_non_null(strstr(core.troubles.items[2], "a second note"));
	assert_non_null(strstr(core.troubles.items[3], "NT_FILE claims"));
	core_close(&core);
	core_builder_deinit(&builder);

	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x1000, "x", 1, PF_R);
	core_builder_note(&builder, "CORE", NT_FILE, nameless_file, sizeof nameless_file);
	open_core(&builder, &core);
	assert_int_equal(core.files.count, 0);
	assert_non_null(strstr(core.troubles.items[0], "names for 0 of its 1"));
	core_close(&core);
	core_builder_deinit(&builder);
}

/* Four bytes of padding everywhere but at the very end, where it may be missing. */
static void notes_follow_each_other(void **state)
{
	static const uint8_t bytes[] = {
		5,   0,   0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 'C', 'O', 'R', 'E', 0,   0,   0, 0,   'a',
		'b', 'c', 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0,   0,   0,   'G', 'N', 'U', 0, 'x',
	};
	static const uint8_t damaged[] = { 5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 'C', 'O' };
	static const uint8_t zeros[64];
	struct cursor cursor = cursor_make(span_make(bytes, sizeof bytes), false);
	struct note note;

	(void)state;
	assert_int_equal(note_next(&cursor, 4, &note), NOTE_READ);
	assert_true(note_owner_is(&note, "CORE"));
	assert_false(note_owner_is(&note, "CORE2"));
	assert_int_equal(note.type, 1);
	assert_true(span_equal(note.bytes, span_string("abc")));
	assert_int_equal(note_next(&cursor, 4, &note), NOTE_READ);
	assert_true(note_owner_is(&note, "GNU"));
	assert_true(span_equal(note.bytes, span_string("x")));
	assert_int_equal(note_next(&cursor, 4, &note), NOTE_END);

	cursor = cursor_make(span_make(damaged, sizeof damaged), false);
	assert_int_equal(note_next(&cursor, 4, &note), NOTE_DAMAGED);
	cursor = cursor_make(span_make(zeros, sizeof zeros), false);
	assert_int_equal(note_next(&cursor, 4, &note), NOTE_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prstatus_is_the_kernels),
		cmocka_unit_test(registers_have_their_names),
		cmocka_unit_test(registers_of_every_machine),
		cmocka_unit_test(prpsinfo_is_the_kernels),
		cmocka_unit_test(thread_pointers_come_from_their_notes),
		cmocka_unit_test(files_are_read_in_both_units),
		cmocka_unit_test(auxv_gives_page_size_vdso_and_entry),
		cmocka_unit_test(odd_notes_are_troubles),
		cmocka_unit_test(notes_follow_each_other),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
