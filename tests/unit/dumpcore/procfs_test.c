#include "tests/unit/unit.h"

#include "dumpcore/procfs.h"
#include "tests/support/fake_proc.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

static struct fake_proc proc;

static int make_proc(void **state)
{
	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "we) ird (x");
	fake_proc_file(&proc, "42/task/43/comm", "worker\n");
	fake_proc_file(&proc, "42/task/41/comm", "older\n");
	fake_proc_link(&proc, "42/exe", "/opt/app");
	return 0;
}

static int drop_proc(void **state)
{
	(void)state;
	fake_proc_deinit(&proc);
	return 0;
}

static void missing_processes_are_named(void **state)
{
	struct procfs procfs;
	struct err err = { 0 };

	(void)state;
	assert_false(procfs_open(&procfs, proc.root, 77, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.what, "77"));
	procfs_close(&procfs);
}

/* Looks for a process that is not there; gives the hint. */
static const char *hint_for(pid_t pid, struct err *err)
{
	struct procfs procfs;

	assert_false(procfs_open(&procfs, proc.root, pid, err));
	assert_int_equal(err->kind, ERR_NOT_FOUND);
	procfs_close(&procfs);
	return err->hint;
}

static void ids_inside_containers_are_translated(void **state)
{
	struct err err = { 0 };

	(void)state;
	fake_proc_file(&proc, "4711/status", "Name:\tapp\nNSpid:\t4711\t7\nVmRSS:\t1 kB\n");
	fake_proc_file(&proc, "4712/status", "Name:\tapp\nNSpid:\t4712\t70\t8\n");
	fake_proc_file(&proc, "4713/status", "Name:\tapp\nNSpid:\t4713\t8\t9\n");
	fake_proc_file(&proc, "4714/status", "Name:\tapp\nNSpid:\t4714\t1\n");
	fake_proc_file(&proc, "4715/status", "Name:\tapp\nNSpid:\t4715\t1\n");
	fake_proc_file(&proc, "4716/status", "Name:\tapp\nNSpid:");
	assert_string_equal(hint_for(7, &err),
						"process 7 inside a container is 4711 here: dumpcore 4711");
	assert_string_equal(hint_for(8, &err),
						"process 8 inside a container is 4712 here: dumpcore 4712");
	assert_non_null(strstr(hint_for(70, &err), "ps -e"));
	assert_non_null(strstr(hint_for(1, &err), "several containers"));
	assert_non_null(strstr(err.hint, "4714"));
	assert_non_null(strstr(err.hint, "4715"));
}

static void files_and_links_are_read(void **state)
{
	struct procfs procfs;
	struct strbuf text = { 0 };
	char link[64];

	(void)state;
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	assert_true(procfs_read(&procfs, "task/43/comm", 100, &text, NULL));
	assert_string_equal(strbuf_text(&text), "worker\n");
	assert_false(procfs_read(&procfs, "missing", 100, &text, NULL));
	assert_string_equal(procfs_link(&procfs, "exe", link, sizeof link), "/opt/app");
	assert_string_equal(procfs_link(&procfs, "missing", link, sizeof link), "");
	strbuf_deinit(&text);
	procfs_close(&procfs);
}

static void stat_survives_odd_names(void **state)
{
	struct procfs procfs;
	struct procfs_stat stat;
	struct err err = { 0 };

	(void)state;
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	assert_true(procfs_read_stat(&procfs, "stat", &stat, &err));
	assert_string_equal(stat.comm, "we) ird (x");
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.parent, 1);
	assert_int_equal(stat.group, 7);
	assert_int_equal(stat.session, 8);
	assert_int_equal(stat.flags, 4194304);
	assert_int_equal(stat.nice, 5);
	assert_int_equal(stat.started, 4242);
	procfs_close(&procfs);
}

static void damaged_stat_is_refused(void **state)
{
	static const char *const bad[] = { "", "42", "42 (x", "42 )x( S 1", "42 (x) S 1 2 3" };
	struct procfs procfs;
	struct procfs_stat stat;

	(void)state;
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = { 0 };

		fake_proc_file(&proc, "42/other", bad[i]);
		assert_false(procfs_read_stat(&procfs, "other", &stat, &err));
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	procfs_close(&procfs);
}

static void the_leader_comes_first(void **state)
{
	struct procfs procfs;
	procfs_tids tids = { 0 };

	(void)state;
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	for (int pass = 0; pass < 2; pass++) {
		assert_true(procfs_list_tids(&procfs, &tids, NULL));
		assert_int_equal(tids.count, 3);
		assert_int_equal(tids.items[0], 42);
		assert_int_equal(tids.items[1] + tids.items[2], 41 + 43);
	}
	vec_deinit(&tids);
	procfs_close(&procfs);
}

/* The 38th field: kernels that hide it, and short lines, give -1. */
static void the_exit_signal_is_read(void **state)
{
	static const char fields[] =
		"42 (x) y) Z 1 7 8 0 -1 4 0 0 0 0 0 0 0 0 20 5 1 0 4242 1 2 3 4 5 6 "
		"7 8 9 10 11 12 13 14 15";
	struct procfs_stat stat;
	struct fake_proc fake;
	struct procfs folder;
	char text[512];

	(void)state;
	fake_proc_init(&fake);
	fake_proc_process(&fake, 42, "x");
	assert_true(procfs_open(&folder, fake.root, 42, NULL));
	assert_true(procfs_read_stat(&folder, "stat", &stat, NULL));
	assert_int_equal(stat.exit_signal, -1); /* the line ends before it */
	for (int signal = 0; signal <= 17; signal += 17) {
		snprintf(text, sizeof text, "%s %d 0 0\n", fields, signal);
		fake_proc_file(&fake, "42/stat", text);
		assert_true(procfs_read_stat(&folder, "stat", &stat, NULL));
		assert_int_equal(stat.exit_signal, signal);
		assert_int_equal(stat.state, 'Z');
		assert_int_equal(stat.started, 4242);
	}
	procfs_close(&folder);
	fake_proc_deinit(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_processes_are_named),
		cmocka_unit_test(files_and_links_are_read),
		cmocka_unit_test(ids_inside_containers_are_translated),
		cmocka_unit_test(stat_survives_odd_names),
		cmocka_unit_test(damaged_stat_is_refused),
		cmocka_unit_test(the_exit_signal_is_read),
		cmocka_unit_test(the_leader_comes_first),
	};

	return cmocka_run_group_tests_name("procfs", tests, make_proc, drop_proc);
}
