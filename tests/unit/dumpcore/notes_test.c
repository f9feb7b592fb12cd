#include "tests/unit/unit.h"

#include "dumpcore/notes.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

/* Takes the next note; the cursor ends behind its padding. */
static struct span take(struct cursor *cursor, const char *owner, uint32_t type)
{
	uint32_t name = cursor_u32(cursor), size = cursor_u32(cursor);
	struct span text;

	assert_int_equal(cursor_u32(cursor), type);
	text = cursor_bytes(cursor, name);
	assert_string_equal((const char *)text.data, owner);
	cursor_align(cursor, 4);
	text = cursor_bytes(cursor, size);
	cursor_align(cursor, 4);
	assert_true(cursor_ok(cursor));
	return text;
}

static void notes_are_cut_to_what_was_filled(void **state)
{
	struct strbuf out = { 0 };
	struct note_slot slot;
	struct cursor cursor;

	(void)state;
	notes_put(&out, "CORE", 1, "abcde", 5);
	slot = notes_open(&out, "LINUX", 2, 1000);
	memcpy(slot.bytes, "xyz", 3);
	notes_close(&out, slot, 3);
	notes_close(&out, notes_open(&out, "LINUX", 3, 1000), 0);
	notes_put(&out, "CORE", 4, "", 0);
	cursor = cursor_make(strbuf_span(&out), false);
	assert_true(span_equal(take(&cursor, "CORE", 1), span_string("abcde")));
	assert_true(span_equal(take(&cursor, "LINUX", 2), span_string("xyz")));
	assert_int_equal(take(&cursor, "CORE", 4).size, 0);
	assert_int_equal(cursor_left(&cursor), 0);
	strbuf_deinit(&out);
}

static void processes_are_described_as_the_kernel_does(void **state)
{
	static const char arguments[] = "app\0--flag\0";
	struct procfs_stat stat = { .comm = "a-very-long-name-of-a-program", .state = 'S', .nice = -5 };
	struct strbuf out = { 0 };
	struct elf_prpsinfo info;
	struct cursor cursor;
	struct span text;

	(void)state;
	stat.parent = 7;
	notes_put_process(&out, 42, 1000, 100, &stat, span_make(arguments, sizeof arguments - 1));
	cursor = cursor_make(strbuf_span(&out), false);
	text = take(&cursor, "CORE", NT_PRPSINFO);
	assert_int_equal(text.size, sizeof info);
	memcpy(&info, text.data, sizeof info);
	assert_int_equal(info.pr_pid, 42);
	assert_int_equal(info.pr_ppid, 7);
	assert_int_equal(info.pr_sname, 'S');
	assert_int_equal(info.pr_state, 1);
	assert_int_equal((signed char)info.pr_nice, -5);
	assert_int_equal(info.pr_uid, 1000);
	assert_int_equal(info.pr_gid, 100);
	assert_string_equal(info.pr_fname, "a-very-long-nam");
	assert_string_equal(info.pr_psargs, "app --flag");
	strbuf_deinit(&out);
}

static void long_command_lines_are_cut(void **state)
{
	struct procfs_stat stat = { .comm = "x", .state = 'R' };
	struct strbuf out = { 0 };
	struct elf_prpsinfo info;
	struct cursor cursor;
	char line[300];

	(void)state;
	memset(line, 'a', sizeof line);
	notes_put_process(&out, 1, 0, 0, &stat, span_make(line, sizeof line));
	cursor = cursor_make(strbuf_span(&out), false);
	memcpy(&info, take(&cursor, "CORE", NT_PRPSINFO).data, sizeof info);
	assert_int_equal(strlen(info.pr_psargs), sizeof info.pr_psargs - 1);
	strbuf_deinit(&out);
}

static void files_are_listed_with_their_pages(void **state)
{
	static const char maps[] = "1000-3000 r--p 00002000 fd:00 10 /opt/app\n"
							   "3000-4000 rw-p 00000000 00:00 0\n"
							   "4000-5000 rw-s 00000000 00:01 11 /memfd:x (deleted)\n";
	struct pool pool = { 0 };
	mappings list = { 0 };
	struct strbuf out = { 0 };
	struct cursor cursor;

	(void)state;
	assert_true(proc_text_mappings(span_string(maps), &pool, &list, NULL));
	notes_put_files(&out, &list, 4096);
	cursor = cursor_make(strbuf_span(&out), false);
	cursor = cursor_make(take(&cursor, "CORE", NT_FILE), false);
	assert_int_equal(cursor_u64(&cursor), 2);
	assert_int_equal(cursor_u64(&cursor), 4096);
	assert_int_equal(cursor_u64(&cursor), 0x1000);
	assert_int_equal(cursor_u64(&cursor), 0x3000);
	assert_int_equal(cursor_u64(&cursor), 2);
	cursor_skip(&cursor, 24);
	assert_true(span_equal(cursor_cstring(&cursor), span_string("/opt/app")));
	assert_true(span_equal(cursor_cstring(&cursor), span_string("/memfd:x (deleted)")));
	assert_int_equal(cursor_left(&cursor), 0);
	strbuf_deinit(&out);
	vec_deinit(&list);
	pool_deinit(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_are_cut_to_what_was_filled),
		cmocka_unit_test(processes_are_described_as_the_kernel_does),
		cmocka_unit_test(long_command_lines_are_cut),
		cmocka_unit_test(files_are_listed_with_their_pages),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
