#include "tests/unit/unit.h"

#include "dumpcore/cgroup.h"
#include "tests/support/fake_proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finds the files of a process in `group` on a machine with these mounts; gives the path of the
 * first, "" where there is none. */
static size_t find(const char *mountinfo, const char *group, char *first, size_t size)
{
	struct fake_proc proc;
	struct procfs procfs;
	struct pool pool = { 0 };
	cgroup_files files = { 0 };
	size_t count;

	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	fake_proc_file(&proc, "self/mountinfo", mountinfo);
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	cgroup_find(&procfs, span_string(group), &pool, &files);
	count = files.count;
	snprintf(first, size, "%s", count ? files.items[0].path : "");
	vec_deinit(&files);
	pool_deinit(&pool);
	procfs_close(&procfs);
	fake_proc_deinit(&proc);
	return count;
}

#define V2 "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1                                                              \
	"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"        \
	"34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" \
	"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

static void version_2_is_found(void **state)
{
	char path[256];

	(void)state;
	assert_int_equal(find(V2, "0::/system.slice/app.service\n", path, sizeof path), 5);
	assert_string_equal(path, "/sys/fs/cgroup/system.slice/app.service/memory.current");
	assert_int_equal(find(V2, "0::/\n", path, sizeof path), 5);
	assert_string_equal(path, "/sys/fs/cgroup/memory.current");
}

static void version_1_is_found(void **state)
{
	char path[256];

	(void)state;
	assert_int_equal(find(V1, "5:cpuset:/other\n4:hugetlb,memory:/app/x\n", path, sizeof path), 3);
	assert_string_equal(path, "/sys/fs/cgroup/memory/app/x/memory.usage_in_bytes");
	assert_int_equal(find(V1, "5:memoryless:/other\n0::/\n", path, sizeof path), 0);
}

/* A container's mount shows its own part of the hierarchy. */
static void mounts_of_a_part_are_understood(void **state)
{
	static const char part[] = "35 24 0:30 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
	char path[256];

	(void)state;
	assert_int_equal(find(part, "0::/docker/abc/app\n", path, sizeof path), 5);
	assert_string_equal(path, "/sys/fs/cgroup/app/memory.current");
	assert_int_equal(find(part, "0::/elsewhere\n", path, sizeof path), 0);
}

static void ancestors_follow_innermost_first(void **state)
{
	static const char *const wanted[] = { "/sys/fs/cgroup/a.slice/b.service/memory.max",
										  "/sys/fs/cgroup/a.slice/memory.max",
										  "/sys/fs/cgroup/memory.max" };
	struct fake_proc proc;
	struct procfs procfs;
	struct pool pool = { 0 };
	cgroup_levels levels = { 0 };

	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	fake_proc_file(&proc, "self/mountinfo", V2 V1);
	assert_true(procfs_open(&procfs, proc.root, 42, NULL));
	cgroup_find_levels(&procfs, span_string("0::/a.slice/b.service\n4:memory:/\n"), &pool, &levels);
	assert_int_equal(levels.count, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(levels.items[i].limit, wanted[i]);
		assert_int_equal(levels.items[i].is_own, i == 0);
		assert_non_null(levels.items[i].pressure);
	}
	assert_string_equal(levels.items[3].usage, "/sys/fs/cgroup/memory/memory.usage_in_bytes");
	assert_null(levels.items[3].pressure);
	vec_deinit(&levels);
	pool_deinit(&pool);
	procfs_close(&procfs);
	fake_proc_deinit(&proc);
}

static void odd_texts_give_nothing(void **state)
{
	static const char *const odd[] = { "", "\n", "0", "0:", "::", "4:memory", "4:memory:" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		assert_int_equal(find(V1 V2, odd[i], path, sizeof path), 0);
		assert_int_equal(find(odd[i], "0::/app\n", path, sizeof path), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_2_is_found),
		cmocka_unit_test(version_1_is_found),
		cmocka_unit_test(mounts_of_a_part_are_understood),
		cmocka_unit_test(ancestors_follow_innermost_first),
		cmocka_unit_test(odd_texts_give_nothing),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
