#include "tests/unit/unit.h"

#include "dumpcore/outlook.h"
#include "dumpcore/track.h"
#include "tests/support/fake_proc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static struct fake_proc proc;
static struct target target;
static struct choice choice;
static struct outlook outlook;
static char vdso[256]; /* of this program: it is the same in every process */

static void find_vdso(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[256];

	while (fgets(line, sizeof line, maps))
		if (strstr(line, "[vdso]"))
			strcpy(vdso, line);
	fclose(maps);
}

/* A process with a GiB of small pages. */
static void put_smaps(const char *with_vdso)
{
	char text[2048];

	snprintf(text, sizeof text,
			 "100000000-140000000 rw-p 00000000 00:00 0\nRss: 1048576 kB\nAnonymous: 1048576 kB\n"
			 "Swap: 0 kB\nVmFlags: rd wr mr mw me ac \n%s%s",
			 with_vdso, *with_vdso ? "Rss: 4 kB\nVmFlags: rd ex mr mw me de \n" : "");
	fake_proc_file(&proc, "42/smaps", text);
}

static void put_status(const char *more)
{
	char text[512];

	snprintf(text, sizeof text, "Name:\tapp\nTgid:\t42\nUid:\t1000\t1000\t1000\t1000\n%s", more);
	fake_proc_file(&proc, "42/status", text);
}

static void put_self(const char *capabilities, const char *more)
{
	char text[256];

	snprintf(text, sizeof text, "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t%s\n%s", capabilities,
			 more);
	fake_proc_file(&proc, "self/status", text);
}

static int make(void **state)
{
	(void)state;
	find_vdso();
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	fake_proc_file(&proc, "42/maps", "100000000-140000000 rw-p 00000000 00:00 0\n");
	put_smaps(vdso);
	put_status("TracerPid:\t0\n");
	choice = (struct choice){ 0 };
	return 0;
}

static int drop(void **state)
{
	(void)state;
	target_close(&target);
	fake_proc_deinit(&proc);
	return 0;
}

static struct outlook_request request(void)
{
	return (struct outlook_request){ .choice = &choice,
									 .may_read = true,
									 .selected_bytes = 1024 * (uint64_t)MIB,
									 .file_bytes = 1030 * (uint64_t)MIB };
}

static void look(const struct outlook_request *question)
{
	struct err err = { 0 };

	if (!target_open(&target, proc.root, 42, "test", &err))
		fail_msg("%s", err.what);
	outlook_make(&outlook, &target, question);
	assert_int_equal(outlook.count, 4);
	assert_true(outlook.ways[0].usable);
}

static const struct outlook_way *way(const char *name)
{
	const struct outlook_way *found = outlook_find(&outlook, name);

	assert_non_null(found);
	return found;
}

static void expect_refused(const char *name, const char *why)
{
	assert_false(way(name)->usable);
	if (!strstr(way(name)->why_not, why))
		fail_msg("%s: '%s' lacks '%s'", name, way(name)->why_not, why);
}

static bool can_track(void)
{
	const char *why;

	return track_possible(&why);
}

/* Usable ways first, the shorter pause first, and what does not stop last of these. */
static void ways_come_in_order(void **state)
{
	struct outlook_request question = request();

	(void)state;
	look(&question);
	for (size_t i = 1; i < outlook.count; i++) {
		const struct outlook_way *before = &outlook.ways[i - 1], *now = &outlook.ways[i];

		assert_true(before->usable || !now->usable);
		if (before->usable == now->usable && now->method->stops)
			assert_true(before->method->stops && before->pause_ns <= now->pause_ns);
	}
	assert_int_equal(way("live")->pause_ns, 0);
	assert_true(way("fork")->usable && way("freeze")->usable && way("live")->usable);
	assert_true(way("fork")->pause_ns < way("freeze")->pause_ns);
	assert_int_equal(way("fork")->memory_bytes, 1024 * (uint64_t)MIB);
	assert_int_equal(way("precopy")->memory_bytes, 0);
	if (can_track())
		assert_string_equal(outlook.ways[0].method->name, "precopy");
	assert_null(outlook_find(&outlook, "auto"));
}

static void a_seccomp_filter_forbids_calls(void **state)
{
	struct outlook_request question = request();

	(void)state;
	fake_proc_file(&proc, "42/task/42/status", "Name:\tapp\nSeccomp:\t2\n");
	look(&question);
	expect_refused("fork", "seccomp filter");
	expect_refused("precopy", "seccomp filter");
	assert_true(way("freeze")->usable);
	target_close(&target);
	put_self("0000003fffffffff", "Seccomp:\t2\n"); /* under a filter itself: it cannot */
	look(&question);
	expect_refused("fork", "seccomp filter");
	target_close(&target);
	put_self("0000003fffffffff", "Seccomp:\t0\n");
	look(&question);
	assert_true(way("fork")->usable);
}

static void without_a_vdso_no_call_is_made(void **state)
{
	struct outlook_request question = request();

	(void)state;
	put_smaps("");
	look(&question);
	assert_false(way("fork")->usable || way("precopy")->usable);
	assert_true(strlen(way("fork")->why_not) > 0);
	assert_true(way("freeze")->usable);
}

static void a_traced_process_is_not_stopped(void **state)
{
	struct outlook_request question = request();

	(void)state;
	put_status("TracerPid:\t77\n");
	look(&question);
	expect_refused("freeze", "traced already, by process 77");
	expect_refused("fork", "77");
	assert_string_equal(outlook.ways[0].method->name, "live");
}

static void strict_commit_limits_a_clone(void **state)
{
	struct outlook_request question = request();

	(void)state;
	fake_proc_file(&proc, "sys/vm/overcommit_memory", "2\n");
	fake_proc_file(&proc, "meminfo",
				   "MemAvailable: 9000000 kB\nCommitLimit: 2000000 kB\n"
				   "Committed_AS: 1000000 kB\n");
	look(&question);
	expect_refused("fork", "vm.overcommit_memory is 2: a clone needs 1.00 GiB");
	target_close(&target);
	fake_proc_file(&proc, "meminfo",
				   "MemAvailable: 9000000 kB\nCommitLimit: 3000000 kB\n"
				   "Committed_AS: 1000000 kB\n");
	look(&question);
	assert_true(way("fork")->usable);
	target_close(&target);
	fake_proc_file(&proc, "meminfo",
				   "MemAvailable: 9000000 kB\nCommitLimit: 10 kB\n"
				   "Committed_AS: 1000000 kB\n");
	fake_proc_file(&proc, "sys/vm/overcommit_memory", "0\n");
	look(&question);
	assert_true(way("fork")->usable);
}

static void short_memory_forbids_a_clone(void **state)
{
	struct outlook_request question = request();

	(void)state;
	fake_proc_file(&proc, "meminfo", "MemAvailable: 131071 kB\n"); /* less than 128 MiB */
	look(&question);
	expect_refused("fork", "MemAvailable of the machine leaves 128 MiB");
	target_close(&target);
	fake_proc_file(&proc, "meminfo", "MemAvailable: 131072 kB\n");
	look(&question);
	assert_true(way("fork")->usable);
}

static void max_pause_cuts_ways(void **state)
{
	struct outlook_request question = request();

	(void)state;
	question.most_pause_ns = 100000000;
	look(&question);
	assert_true(way("fork")->usable);
	expect_refused("freeze", "longer than the");
	target_close(&target);
	question.most_pause_ns = 1;
	look(&question);
	expect_refused("fork", "longer than the");
	assert_string_equal(outlook.ways[0].method->name, "live");
}

static void what_cannot_be_read_cannot_be_captured(void **state)
{
	struct outlook_request question = request();

	(void)state;
	question.may_read = false;
	target_open(&target, proc.root, 42, "test", NULL);
	outlook_make(&outlook, &target, &question);
	for (size_t i = 0; i < outlook.count; i++)
		assert_false(outlook.ways[i].usable);
}

static bool lacks(const char *test)
{
	if (can_track())
		return false;
	print_message("# SKIP %s: this kernel tracks no writes\n", test);
	return true;
}

static void a_spool_in_memory_must_be_named(void **state)
{
	struct outlook_request question = request();

	if (lacks("a_spool_in_memory_must_be_named") || access("/dev/shm", W_OK) != 0)
		skip();
	(void)state;
	question.spool_folder = "/dev/shm";
	question.file_bytes = MIB;
	look(&question);
	expect_refused("precopy", "/dev/shm is in memory");
	target_close(&target);
	question.spool_asked = true;
	look(&question);
	assert_true(way("precopy")->usable);
	target_close(&target);
	question.file_bytes = UINT64_MAX / 2;
	look(&question);
	expect_refused("precopy", "the spool needs");
	target_close(&target);
	question.spool_folder = "/nowhere/at/all";
	look(&question);
	expect_refused("precopy", "/nowhere/at/all");
}

static void limits_and_swap_exclude_precopy(void **state)
{
	struct outlook_request question = request();

	if (lacks("limits_and_swap_exclude_precopy"))
		skip();
	(void)state;
	choice.most_bytes = MIB;
	look(&question);
	expect_refused("precopy", "--max-size or --swap read");
	target_close(&target);
	choice = (struct choice){ .read_swapped = true };
	look(&question);
	expect_refused("precopy", "--max-size or --swap read");
	assert_true(way("fork")->usable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ways_come_in_order, make, drop),
		cmocka_unit_test_setup_teardown(a_seccomp_filter_forbids_calls, make, drop),
		cmocka_unit_test_setup_teardown(without_a_vdso_no_call_is_made, make, drop),
		cmocka_unit_test_setup_teardown(a_traced_process_is_not_stopped, make, drop),
		cmocka_unit_test_setup_teardown(strict_commit_limits_a_clone, make, drop),
		cmocka_unit_test_setup_teardown(short_memory_forbids_a_clone, make, drop),
		cmocka_unit_test_setup_teardown(max_pause_cuts_ways, make, drop),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_cannot_be_captured, make, drop),
		cmocka_unit_test_setup_teardown(a_spool_in_memory_must_be_named, make, drop),
		cmocka_unit_test_setup_teardown(limits_and_swap_exclude_precopy, make, drop),
	};

	return cmocka_run_group_tests_name("outlook", tests, NULL, NULL);
}
