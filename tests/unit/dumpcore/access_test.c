#include "tests/unit/unit.h"

#include "dumpcore/access.h"
#include "tests/support/fake_proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A plain refusal: another tracer is not there, own process, dumpable. */
static struct access_facts plain(void)
{
	return (struct access_facts){ .pid = 42,
								  .leader = 42,
								  .comm = "app",
								  .state = 'S',
								  .target_uid = 1000,
								  .own_uid = 1000,
								  .file_uid = 1000,
								  .yama_scope = -1 };
}

static void expect(const struct access_facts *facts, const char *what, const char *hint)
{
	struct err err = { 0 };

	assert_false(access_explain(facts, "dumpcore 42", &err));
	assert_int_equal(err.kind, ERR_PERMISSION);
	if (!strstr(err.what, what) || !strstr(err.hint, hint))
		fail_msg("\"%s\" / \"%s\" lacks \"%s\" / \"%s\"", err.what, err.hint, what, hint);
}

static void each_rule_is_named(void **state)
{
	struct access_facts facts = plain();

	(void)state;
	facts.tracer = 7;
	expect(&facts, "traced already, by process 7", "live");
	facts = plain();
	facts.yama_scope = 1;
	expect(&facts, "ptrace_scope is 1: only its ancestors", "sudo dumpcore 42");
	facts.yama_scope = 2;
	expect(&facts, "ptrace_scope is 2: only CAP_SYS_PTRACE", "sudo dumpcore 42");
	facts.yama_scope = 3;
	expect(&facts, "until the next boot", "ptrace_scope=1");
	facts = plain();
	facts.own_uid = 1001;
	expect(&facts, "runs as user 1000, you are user 1001", "sudo dumpcore 42");
	facts = plain();
	facts.file_uid = 0;
	expect(&facts, "not dumpable", "sudo dumpcore 42");
	facts = plain();
	facts.own_uid = 0;
	expect(&facts, "without CAP_SYS_PTRACE", "--cap-add SYS_PTRACE");
	facts = plain();
	facts.other_user_namespace = true;
	expect(&facts, "another user namespace", "root on the host");
	facts = plain();
	facts.own_capability = true;
	facts.yama_scope = 1;
	expect(&facts, "none of its usual rules", "SELinux");
	facts.own_uid = 0;
	expect(&facts, "without CAP_DAC_READ_SEARCH", "DAC_READ_SEARCH, KILL]");
	facts.own_files = true;
	expect(&facts, "none of its usual rules", "SELinux");
}

static void a_clone_must_be_ours_to_end(void **state)
{
	struct access_facts facts = plain();

	(void)state;
	assert_true(access_may_kill(&facts));
	facts.own_uid = 0;
	assert_false(access_may_kill(&facts));
	facts.own_kill = true;
	assert_true(access_may_kill(&facts));
}

static void kinds_that_cannot_be_captured(void **state)
{
	struct access_facts facts = plain();
	struct err err = { 0 };

	(void)state;
	assert_true(access_check_kind(&facts, &err));
	facts.leader = 40;
	assert_false(access_check_kind(&facts, &err));
	assert_non_null(strstr(err.what, "thread of process 40"));
	facts = plain();
	facts.kernel_thread = true;
	assert_false(access_check_kind(&facts, &err));
	assert_non_null(strstr(err.what, "kernel thread"));
	facts = plain();
	facts.state = 'Z';
	assert_false(access_check_kind(&facts, &err));
	assert_int_equal(err.kind, ERR_GONE);
	facts = plain();
	facts.pid = facts.leader = getpid();
	assert_false(access_check_kind(&facts, &err));
}

static void facts_come_from_proc(void **state)
{
	struct fake_proc proc;
	struct procfs procfs;
	struct access_facts facts;

	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	fake_proc_file(&proc, "42/status", "Tgid:\t40\nTracerPid:\t9\nUid:\t0\t1000\t0\t0\n");
	fake_proc_file(&proc, "self/status", "Uid:\t0\t33\t0\t0\nCapEff:\t0000000000080000\n");
	fake_proc_file(&proc, "sys/kernel/yama/ptrace_scope", "2\n");
	fake_proc_link(&proc, "42/ns/user", "user:[1]");
	fake_proc_link(&proc, "self/ns/user", "user:[2]");
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	assert_true(access_read(&procfs, &facts, NULL));
	assert_int_equal(facts.leader, 40);
	assert_int_equal(facts.tracer, 9);
	assert_int_equal(facts.target_uid, 1000);
	assert_int_equal(facts.own_uid, 33);
	assert_true(facts.own_capability);
	assert_int_equal(facts.yama_scope, 2);
	assert_true(facts.other_user_namespace);
	assert_string_equal(facts.comm, "app");
	procfs_close(&procfs);
	fake_proc_deinit(&proc);
}

/* Root of a user namespace sees nothing of what is outside it. */
static void a_namespace_that_is_not_shown_is_another_one(void **state)
{
	static const char capable[] = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n";
	static const char bare[] = "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000000\n";
	static const struct {
		const char *status, *map;
		bool other;
	} rows[] = {
		{ capable, "         0       1000          1\n", true },
		{ capable, "         0          0 4294967295\n", false },
		{ capable, NULL, false },
		{ bare, "         0       1000          1\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fake_proc proc;
		struct procfs procfs;
		struct access_facts facts;

		fake_proc_init(&proc);
		fake_proc_process(&proc, 42, "app");
		fake_proc_file(&proc, "self/status", rows[i].status);
		if (rows[i].map)
			fake_proc_file(&proc, "self/uid_map", rows[i].map);
		fake_proc_link(&proc, "self/ns/user", "user:[2]");
		assert_true(procfs_open(&procfs, proc.root, 42, NULL));
		assert_true(access_read(&procfs, &facts, NULL));
		assert_int_equal(facts.other_user_namespace, rows[i].other);
		procfs_close(&procfs);
		fake_proc_deinit(&proc);
	}
}

static void a_bare_machine_has_no_rules(void **state)
{
	struct fake_proc proc;
	struct procfs procfs;
	struct access_facts facts;

	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	assert_true(access_read(&procfs, &facts, NULL));
	assert_int_equal(facts.yama_scope, -1);
	assert_false(facts.other_user_namespace);
	assert_false(facts.own_capability);
	assert_false(facts.kernel_thread);
	procfs_close(&procfs);
	fake_proc_deinit(&proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_is_named),
		cmocka_unit_test(a_clone_must_be_ours_to_end),
		cmocka_unit_test(kinds_that_cannot_be_captured),
		cmocka_unit_test(facts_come_from_proc),
		cmocka_unit_test(a_namespace_that_is_not_shown_is_another_one),
		cmocka_unit_test(a_bare_machine_has_no_rules),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
