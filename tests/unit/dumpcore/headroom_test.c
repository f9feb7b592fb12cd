#include "tests/unit/unit.h"

#include "dumpcore/guard.h"
#include "dumpcore/headroom.h"
#include "tests/support/child.h"
#include "tests/support/fake_proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake_proc proc;
static struct procfs procfs;
static struct headroom headroom;

static int make(void **state)
{
	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	return procfs_open(&procfs, proc.root, 42, NULL) ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	headroom_close(&headroom);
	procfs_close(&procfs);
	fake_proc_deinit(&proc);
	return 0;
}

static void mount(const char *type, const char *super)
{
	char text[256];

	snprintf(text, sizeof text, "35 24 0:30 / %s/groups rw - %s cgroup rw%s\n", proc.root, type,
			 super);
	fake_proc_file(&proc, "self/mountinfo", text);
}

static void put(const char *group, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "groups%s/%s", group, name);
	fake_proc_file(&proc, path, text);
}

static void limit_v2(const char *group, const char *usage, const char *most, const char *stat)
{
	put(group, "memory.current", usage);
	put(group, "memory.max", most);
	if (stat)
		put(group, "memory.stat", stat);
}

static void limit_v1(const char *group, const char *usage, const char *most, const char *stat)
{
	put(group, "memory.usage_in_bytes", usage);
	put(group, "memory.limit_in_bytes", most);
	put(group, "memory.stat", stat);
}

static void expect_left(uint64_t bytes, const char *end_of_name)
{
	const char *what;
	size_t length = strlen(end_of_name);

	assert_int_equal(headroom_left(&headroom, &what), bytes);
	assert_true(strlen(what) >= length);
	assert_string_equal(what + strlen(what) - length, end_of_name);
}

static void open_v2(const char *group)
{
	char text[64];

	snprintf(text, sizeof text, "0::%s\n", group);
	headroom_open(&headroom, &procfs, span_string(text));
}

static void nothing_known_is_no_limit(void **state)
{
	(void)state;
	open_v2("/app");
	expect_left(UINT64_MAX, "memory");
	assert_int_equal(guard_floor(&headroom), 64 << 20);
}

static void the_machine_limits_too(void **state)
{
	(void)state;
	fake_proc_file(&proc, "meminfo", "MemTotal: 9000 kB\nMemAvailable:     1234 kB\n");
	open_v2("/app");
	expect_left(1234 << 10, "MemAvailable of the machine");
}

static void the_tightest_group_wins(void **state)
{
	(void)state;
	mount("cgroup2", "");
	fake_proc_file(&proc, "meminfo", "MemAvailable: 100000 kB\n");
	limit_v2("/a/b", "1000\n", "900000\n", NULL);
	limit_v2("/a", "400\n", "50000\n", NULL);
	limit_v2("", "49000000\n", "max\n", NULL);
	open_v2("/a/b");
	assert_int_equal(headroom.count, 2);
	expect_left(49600, "groups/a/memory.max");
	put("/a/b", "memory.current", "890000\n");
	headroom_close(&headroom);
	open_v2("/a/b");
	expect_left(10000, "groups/a/b/memory.max");
	fake_proc_file(&proc, "meminfo", "MemAvailable: 2 kB\n");
	headroom_close(&headroom);
	open_v2("/a/b");
	expect_left(2048, "MemAvailable of the machine");
}

/* Cache that nobody has used again is taken back first; it is asked for where room is short. */
static void inactive_cache_counts_as_left(void **state)
{
	(void)state;
	mount("cgroup2", "");
	limit_v2("/a", "9000\n", "10000\n",
			 "anon 1000\nfile 7000\ninactive_file 6000\nactive_file 1\n");
	open_v2("/a");
	expect_left(7000, "memory.max");
	headroom_close(&headroom);
	limit_v2("/a", "4999\n", "10000\n", "inactive_file 4000\n");
	open_v2("/a");
	expect_left(5001, "memory.max");
	headroom_close(&headroom);
	limit_v2("/a", "9000\n", "10000\n", "inactive_file 99999\n");
	open_v2("/a");
	expect_left(10000, "memory.max");
	headroom_close(&headroom);
	limit_v2("/a", "12000\n", "10000\n", "anon 1\n"); /* above its limit: swap is full */
	open_v2("/a");
	expect_left(0, "memory.max");
}

static void version_1_counts_the_hierarchy(void **state)
{
	static const char group[] = "5:cpu:/x\n7:memory,foo:/a/b\n";

	(void)state;
	mount("cgroup", ",memory");
	limit_v1("/a/b", "9000\n", "10000\n", "inactive_file 1\ntotal_inactive_file 500\n");
	limit_v1("/a", "90000\n", "9223372036854771712\n", "");
	limit_v1("", "900\n", "9223372036854771712\n", "");
	headroom_open(&headroom, &procfs, span_string(group));
	assert_int_equal(headroom.count, 1);
	expect_left(1500, "groups/a/b/memory.limit_in_bytes");
}

static void unreadable_files_limit_nothing(void **state)
{
	(void)state;
	mount("cgroup2", "");
	put("/a", "memory.max", "5000\n");      /* no usage */
	put("/a/b", "memory.max", "garbage\n"); /* no number */
	put("/a/b", "memory.current", "100\n");
	put("/a/b/c", "memory.max", "7000\n");
	put("/a/b/c", "memory.current", "soon\n");
	open_v2("/a/b/c");
	expect_left(UINT64_MAX, "memory");
}

static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* More ancestors than there are places: the innermost count. Everything is closed again. */
static void many_levels_are_bounded(void **state)
{
	char group[128] = "";
	size_t before = count_descriptors();

	(void)state;
	mount("cgroup2", "");
	for (int i = 0; i < HEADROOM_GROUPS + 4; i++) {
		strcat(group, "/g");
		limit_v2(group, "10\n", i < 4 ? "20\n" : "1000\n", "inactive_file 0\n");
	}
	open_v2(group);
	assert_int_equal(headroom.count, HEADROOM_GROUPS);
	expect_left(990, "memory.max");
	headroom_close(&headroom);
	assert_int_equal(count_descriptors(), before);
}

/* --- guard --- */

static void do_nothing(void *shared)
{
	(void)shared;
}

static void the_floor_grows_with_the_limit(void **state)
{
	(void)state;
	mount("cgroup2", "");
	limit_v2("/a", "1\n", "68719476736\n", NULL); /* 64 GiB */
	limit_v2("", "1\n", "max\n", NULL);
	open_v2("/a");
	assert_int_equal(guard_floor(&headroom), UINT64_C(2) << 30);
	headroom_close(&headroom);
	limit_v2("/a", "1\n", "1000000\n", NULL);
	open_v2("/a");
	assert_int_equal(guard_floor(&headroom), 64 << 20);
}

/* Writes the usage into the file that the headroom has open. */
static void set_usage(const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/groups/a/memory.current", proc.root);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
	close(fd);
}

static void the_guard_ends_the_child_at_the_floor(void **state)
{
	struct child child;
	struct guard guard = { 0 };
	int status;

	(void)state;
	assert_false(guard_stop(&guard)); /* never started */
	mount("cgroup2", "");
	limit_v2("/a", "0100000000\n", "1000000000\n", "inactive_file 0\n");
	open_v2("/a");
	child_start(&child, do_nothing, NULL);
	guard_start(&guard, &headroom, child.pid);
	usleep(30000);
	assert_int_equal(waitpid(child.pid, &status, WNOHANG), 0);
	assert_false(guard_stop(&guard));
	guard_start(&guard, &headroom, child.pid);
	set_usage("0932000000\n"); /* 68 MB left */
	usleep(30000);
	assert_int_equal(waitpid(child.pid, &status, WNOHANG), 0);
	set_usage("0933000000\n"); /* 67 MB left: less than 64 MiB */
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(guard_stop(&guard));
	assert_true(guard_stop(&guard)); /* again */
	close(child.ready);
}

/* Above memory.high the group is slowed down, long before its limit. */
static void a_high_mark_is_a_limit(void **state)
{
	(void)state;
	mount("cgroup2", "");
	limit_v2("/a", "1000\n", "max\n", NULL);
	put("/a", "memory.high", "50000\n");
	limit_v2("/a/b", "1000\n", "900000\n", NULL);
	put("/a/b", "memory.high", "max\n");
	open_v2("/a/b");
	assert_int_equal(headroom.count, 2);
	expect_left(49000, "/a/memory.max");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_known_is_no_limit, make, drop),
		cmocka_unit_test_setup_teardown(the_machine_limits_too, make, drop),
		cmocka_unit_test_setup_teardown(the_tightest_group_wins, make, drop),
		cmocka_unit_test_setup_teardown(inactive_cache_counts_as_left, make, drop),
		cmocka_unit_test_setup_teardown(version_1_counts_the_hierarchy, make, drop),
		cmocka_unit_test_setup_teardown(unreadable_files_limit_nothing, make, drop),
		cmocka_unit_test_setup_teardown(many_levels_are_bounded, make, drop),
		cmocka_unit_test_setup_teardown(the_floor_grows_with_the_limit, make, drop),
		cmocka_unit_test_setup_teardown(the_guard_ends_the_child_at_the_floor, make, drop),
		cmocka_unit_test_setup_teardown(a_high_mark_is_a_limit, make, drop),
	};

	return cmocka_run_group_tests_name("headroom", tests, NULL, NULL);
}
