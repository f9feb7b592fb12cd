#include "tests/unit/unit.h"

#include "dumpcore/gauge.h"
#include "tests/support/fake_proc.h"

#include <stdio.h>
#include <string.h>

static struct fake_proc proc;
static struct procfs procfs;
static struct gauge gauge;

/* A process in /a/b of a version 2 hierarchy that is mounted below the fabricated root. */
static int make(void **state)
{
	char mount[256];

	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	fake_proc_file(&proc, "42/cgroup", "0::/a/b\n");
	snprintf(mount, sizeof mount, "35 24 0:30 / %s/groups rw - cgroup2 cgroup2 rw\n", proc.root);
	fake_proc_file(&proc, "self/mountinfo", mount);
	return procfs_open(&procfs, proc.root, 42, NULL) ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	gauge_close(&gauge);
	procfs_close(&procfs);
	fake_proc_deinit(&proc);
	return 0;
}

static void limit(const char *group, const char *usage, const char *most)
{
	char name[128];

	snprintf(name, sizeof name, "groups%s/memory.current", group);
	fake_proc_file(&proc, name, usage);
	snprintf(name, sizeof name, "groups%s/memory.max", group);
	fake_proc_file(&proc, name, most);
}

static void the_rss_is_read(void **state)
{
	struct gauge_values values;

	(void)state;
	assert_true(gauge_open(&gauge, &procfs, false, false, NULL));
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.rss_bytes, 12 << 10);
	assert_true(values.cgroup_share == GAUGE_UNKNOWN && values.pressure_share == GAUGE_UNKNOWN);
}

static void the_end_of_the_process_is_seen(void **state)
{
	static const char *const ends[] = { "State:\tZ (zombie)\nVmRSS:\t4 kB\n",
										"State:\tX (dead)\nVmRSS:\t4 kB\n",
										"State:\tR (running)\n" };
	struct gauge_values values;

	(void)state;
	assert_true(gauge_open(&gauge, &procfs, false, false, NULL));
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct err err = { 0 };

		fake_proc_file(&proc, "42/status", ends[i]);
		assert_false(gauge_read(&gauge, &values, &err));
		assert_int_equal(err.kind, ERR_GONE);
	}
	fake_proc_deinit(&proc);
	for (int pass = 0; pass < 2; pass++) {
		struct err err = { 0 };

		assert_false(gauge_read(&gauge, &values, &err));
		assert_int_equal(err.kind, ERR_GONE);
	}
}

static void the_tightest_group_counts(void **state)
{
	struct gauge_values values;

	(void)state;
	limit("/a/b", "500\n", "1000\n");
	assert_true(gauge_open(&gauge, &procfs, true, false, NULL));
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.cgroup_share, 5000);
	limit("/a", "900\n", "1000\n");
	limit("", "999\n", "max\n");
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.cgroup_share, 9000);
	limit("/a", "900\n", "max\n");
	limit("/a/b", "12345\n", "100000\n");
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.cgroup_share, 1234);
}

static void no_limit_is_a_usage_error(void **state)
{
	static const char *const none[] = { "max\n", "9223372036854771712\n", "", "garbage\n",
										"12x\n" };
	struct err err = { 0 };

	(void)state;
	assert_false(gauge_open(&gauge, &procfs, true, false, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		limit("/a/b", "500\n", none[i]);
		gauge_close(&gauge);
		assert_false(gauge_open(&gauge, &procfs, true, false, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.what, "has no memory limit"));
		assert_non_null(strstr(err.hint, "--rss"));
	}
	fake_proc_file(&proc, "self/mountinfo", "");
	gauge_close(&gauge);
	assert_false(gauge_open(&gauge, &procfs, true, false, &err));
	assert_non_null(strstr(err.what, "is visible here"));
}

/* Moved to another group: its limit counts from then on. A limit that is taken away is unknown. */
static void a_process_may_move(void **state)
{
	struct gauge_values values;

	(void)state;
	limit("/a/b", "500\n", "1000\n");
	assert_true(gauge_open(&gauge, &procfs, true, false, NULL));
	limit("/a/b", "500\n", "max\n");
	limit("/c", "700\n", "1000\n");
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_true(values.cgroup_share == GAUGE_UNKNOWN);
	fake_proc_file(&proc, "42/cgroup", "0::/c\n");
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.cgroup_share, 7000);
}

static void pressure_is_the_groups_or_the_systems(void **state)
{
	struct gauge_values values;
	struct err err = { 0 };

	(void)state;
	assert_false(gauge_open(&gauge, &procfs, false, true, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.hint, "psi=1"));
	fake_proc_file(&proc, "pressure/memory", "full avg10=1.00\n");
	gauge_close(&gauge);
	assert_false(gauge_open(&gauge, &procfs, false, true, &err));
	fake_proc_file(&proc, "pressure/memory", "some avg10=12.34 avg60=1.00 avg300=0 total=9\n");
	gauge_close(&gauge);
	assert_true(gauge_open(&gauge, &procfs, false, true, NULL));
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.pressure_share, 1234);
	fake_proc_file(&proc, "groups/a/memory.pressure", "some avg10=99.00\n");
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.pressure_share, 1234);
	fake_proc_file(&proc, "groups/a/b/memory.pressure", "some avg10=0.07 avg60=1.00\n");
	assert_true(gauge_read(&gauge, &values, NULL));
	assert_int_equal(values.pressure_share, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_rss_is_read, make, drop),
		cmocka_unit_test_setup_teardown(the_end_of_the_process_is_seen, make, drop),
		cmocka_unit_test_setup_teardown(the_tightest_group_counts, make, drop),
		cmocka_unit_test_setup_teardown(no_limit_is_a_usage_error, make, drop),
		cmocka_unit_test_setup_teardown(a_process_may_move, make, drop),
		cmocka_unit_test_setup_teardown(pressure_is_the_groups_or_the_systems, make, drop),
	};

	return cmocka_run_group_tests_name("gauge", tests, NULL, NULL);
}
