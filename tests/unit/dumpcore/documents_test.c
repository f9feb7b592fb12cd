#include "tests/unit/unit.h"

#include "dumpcore/documents.h"
#include "tests/support/fake_proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_proc proc;
static struct procfs procfs;
static struct documents documents;

static int make(void **state)
{
	char mountinfo[256];

	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	fake_proc_file(&proc, "42/task/43/comm", "worker\n");
	fake_proc_file(&proc, "fs/app/memory.current", "4096\n");
	snprintf(mountinfo, sizeof mountinfo, "1 1 0:1 / %s/fs rw - cgroup2 cgroup2 rw\n", proc.root);
	fake_proc_file(&proc, "self/mountinfo", mountinfo);
	documents = (struct documents){ 0 };
	return procfs_open(&procfs, proc.root, 42, NULL) ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	documents_deinit(&documents);
	procfs_close(&procfs);
	fake_proc_deinit(&proc);
	return 0;
}

static void expect(const char *name, const char *text)
{
	assert_true(span_equal(documents_find(&documents, name), span_string(text)));
}

static void all_that_is_there_is_kept(void **state)
{
	(void)state;
	assert_true(documents_read(&documents, &procfs, NULL));
	expect("cgroup", "0::/app\n");
	expect("cgroup/memory.current", "4096\n");
	expect("cmdline", "app");
	expect("limits", "Max stack size 8388608\n");
	expect("task/42/comm", "app");
	expect("task/42/status", "Name:\tx\n");
	expect("task/43/comm", "worker\n");
	assert_null(documents_find(&documents, "task/43/status").data);
	assert_null(documents_find(&documents, "cgroup/memory.max").data);
	assert_true(documents_find(&documents, "smaps").size > 0);
}

static void without_smaps_there_is_no_capture(void **state)
{
	struct err err = { 0 };

	(void)state;
	fake_proc_link(&proc, "42/smaps", "/nonexistent");
	assert_false(documents_read(&documents, &procfs, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void a_document_read_again_is_replaced_in_place(void **state)
{
	const uint8_t *before;

	(void)state;
	assert_true(documents_read(&documents, &procfs, NULL));
	before = documents_find(&documents, "status").data;
	fake_proc_file(&proc, "42/status", "VmRSS:\t99 kB\n");
	assert_true(documents_add(&documents, &procfs, "status", NULL));
	expect("status", "VmRSS:\t99 kB\n");
	assert_ptr_equal(documents_find(&documents, "status").data, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_that_is_there_is_kept, make, drop),
		cmocka_unit_test_setup_teardown(without_smaps_there_is_no_capture, make, drop),
		cmocka_unit_test_setup_teardown(a_document_read_again_is_replaced_in_place, make, drop),
	};

	return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
