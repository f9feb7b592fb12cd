#include "tests/unit/unit.h"

#include "base/duration.h"
#include "base/strbuf.h"
#include "dumpcore/watch.h"
#include "tests/support/fake_proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 16, STARTED = 4242 };

/* A world with its own time: the process has rss_kb[i] at second i, 0 when it has ended. */
struct world {
	unsigned rss_kb[MOST];
	enum watch_capture outcomes[MOST];
	int signal_at; /* second; 0: never */
	int second, captures;
	int64_t skew; /* of the calendar, which can be set back */
	char paths[MOST][128];
};

static struct fake_proc proc;
static char folder[128], text[4096];
static struct world world;
static struct watch_settings settings;
static struct watch_result result;
static struct err err;

static void put_rss(void)
{
	char status[128];
	unsigned kb = world.second < MOST ? world.rss_kb[world.second] : 0;

	snprintf(status, sizeof status, "State:\t%s\nTgid:\t42\nUid:\t1\t1\t1\t1\nVmRSS:\t%u kB\n",
			 kb ? "S" : "Z", kb);
	fake_proc_file(&proc, "42/status", status);
}

static enum watch_capture fake_capture(void *context, const char *path, uint64_t started,
									   struct err *why)
{
	enum watch_capture outcome = world.outcomes[world.captures];

	assert_ptr_equal(context, &world);
	assert_int_equal(started, STARTED);
	snprintf(world.paths[world.captures++], sizeof *world.paths, "%s", path);
	if (outcome == WATCH_FAILED)
		return err_set(why, ERR_NO_SPACE, "the disk is full"), outcome;
	fake_proc_file(&proc, path + strlen(proc.root) + 1, "archive");
	return outcome;
}

static int64_t fake_clock(void *context)
{
	(void)context;
	return world.second * DURATION_S;
}

static int64_t fake_calendar(void *context)
{
	(void)context;
	return 1767225600 + world.second + world.skew; /* 2026-01-01 */
}

static bool fake_wait(void *context, int64_t ns)
{
	(void)context;
	world.second += (int)(ns / DURATION_S);
	put_rss();
	return !world.signal_at || world.second < world.signal_at;
}

/* Watches the world with stderr in `text`. */
static bool watch(bool json)
{
	struct watch_hooks hooks = { &world, fake_capture, fake_clock, fake_calendar, fake_wait };
	struct status status = { .json = json };
	struct watch_request request = { proc.root, 42,      folder, "dumpcore watch 42",
									 &settings, &status, false };
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);
	bool done;

	put_rss();
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	err = (struct err){ 0 };
	done = watch_run(&request, &hooks, &result, &err);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return done;
}

static int make(void **state)
{
	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "app");
	fake_proc_file(&proc, "42/mem", "");
	fake_proc_file(&proc, "out/notes.txt", "mine");
	snprintf(folder, sizeof folder, "%s/out", proc.root);
	world = (struct world){ 0 };
	settings = (struct watch_settings){ .limits.thresholds = { [TRIGGER_RSS] = 1000 << 10 },
										.interval_ns = DURATION_S,
										.cooldown_ns = 3 * DURATION_S,
										.count = 1 };
	return 0;
}

static int drop(void **state)
{
	(void)state;
	fake_proc_deinit(&proc);
	return 0;
}

static void set_rss(const unsigned *rss_kb, size_t size)
{
	memcpy(world.rss_kb, rss_kb, size);
}

#define RSS(...)                                          \
	do {                                                  \
		static const unsigned values[] = { __VA_ARGS__ }; \
		set_rss(values, sizeof values);                   \
	} while (0)

static bool is_archive(int index, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return strcmp(world.paths[index], path) == 0;
}

static bool is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void it_captures_when_the_trigger_fires(void **state)
{
	(void)state;
	RSS(100, 999, 1000, 1000);
	assert_true(watch(false));
	assert_int_equal(err.kind, ERR_NONE);
	assert_int_equal(world.second, 2);
	assert_int_equal(result.complete, 1);
	assert_int_equal(result.partial, 0);
	assert_true(is_archive(0, "app.42.20260101T000002Z.core.zst"));
	assert_non_null(strstr(text, "watching app (42) every 1 s for up to 1 capture: RSS 100 KiB "
								 "(threshold 1000 KiB)\n"));
	assert_non_null(strstr(text, "triggered: RSS 1000 KiB (threshold 1000 KiB)\n"));
}

static void it_may_fire_at_once(void **state)
{
	(void)state;
	RSS(2000);
	assert_true(watch(false));
	assert_int_equal(world.second, 0);
}

/* Fires at 0; rests until 3; is spent until 4; fires at 5. */
static void it_goes_on_until_its_count(void **state)
{
	(void)state;
	RSS(1000, 2000, 1000, 1000, 900, 1000, 1000);
	settings.count = 2;
	world.outcomes[0] = WATCH_PARTIAL;
	settings.cooldown_ns = 5 * DURATION_S;
	assert_true(watch(false));
	assert_int_equal(world.second, 5);
	assert_int_equal(result.complete, 1);
	assert_int_equal(result.partial, 1);
}

static void the_end_of_the_process_ends_it(void **state)
{
	(void)state;
	RSS(100, 100, 0);
	assert_false(watch(false));
	assert_int_equal(err.kind, ERR_GONE);
	assert_non_null(strstr(err.what, "process 42 (app) has ended"));
	assert_non_null(strstr(err.what, "nothing was captured"));
	assert_int_equal(result.complete, 0);
}

static void the_end_after_a_capture_is_said(void **state)
{
	(void)state;
	RSS(1000, 100, 0);
	settings.count = 5;
	assert_true(watch(false));
	assert_int_equal(err.kind, ERR_NONE);
	assert_non_null(
		strstr(text, "process 42 (app) has ended: the watch is over, with 1 capture\n"));
}

static void a_process_that_is_gone_at_once_is_an_error(void **state)
{
	(void)state;
	assert_false(watch(false));
	assert_int_equal(err.kind, ERR_GONE);
	assert_null(strstr(text, "watching"));
}

static void a_signal_ends_it(void **state)
{
	(void)state;
	RSS(1000, 10, 10, 10, 10);
	settings.count = 5;
	world.signal_at = 3;
	assert_true(watch(false));
	assert_int_equal(world.second, 3);
	assert_non_null(strstr(text, "a signal came: the watch is over, with 1 capture\n"));
	world = (struct world){ .rss_kb = { 10, 10, 10 }, .signal_at = 1 };
	assert_false(watch(false));
	assert_non_null(strstr(err.what, "a signal came"));
}

/* A failure is said, costs the cooldown, and is tried again though the RSS never fell. */
static void a_failed_capture_is_tried_again(void **state)
{
	(void)state;
	RSS(1000, 1000, 1000, 1000, 1000, 1000, 1000);
	world.outcomes[0] = world.outcomes[1] = WATCH_FAILED;
	assert_true(watch(false));
	assert_int_equal(world.captures, 3);
	assert_int_equal(world.second, 6);
	assert_int_equal(err.kind, ERR_NONE);
	assert_non_null(strstr(text, "the disk is full"));
}

/* One archive is kept: a failure after it does not make the watch a failure. */
static void a_late_failure_does_not_count(void **state)
{
	(void)state;
	RSS(1000, 10, 10, 1000, 0);
	settings.count = 2;
	world.outcomes[1] = WATCH_FAILED;
	assert_true(watch(false));
	assert_int_equal(world.captures, 2);
	assert_int_equal(err.kind, ERR_NONE);
}

static void three_failures_in_a_row_end_it(void **state)
{
	(void)state;
	for (int i = 0; i < MOST; i++) {
		world.rss_kb[i] = 1000;
		world.outcomes[i] = WATCH_FAILED;
	}
	world.outcomes[2] = WATCH_COMPLETE;
	world.rss_kb[7] = 10;
	settings.count = 5;
	settings.cooldown_ns = DURATION_S;
	assert_false(watch(false));
	assert_int_equal(world.captures, 6);
	assert_int_equal(result.complete, 1);
	assert_int_equal(err.kind, ERR_NO_SPACE);
	assert_non_null(strstr(err.what, "3 captures in a row failed, the last one: the disk is full"));
}

/* Two captures with --keep 1: the older one of this and of earlier watches goes, notes stay. */
static void older_archives_are_removed(void **state)
{
	(void)state;
	RSS(1000, 10, 10, 1000);
	fake_proc_file(&proc, "out/app.7.20250101T000000Z.core.zst", "old");
	settings.count = 2;
	settings.rotation.keep = 1;
	assert_true(watch(false));
	assert_false(is_there("app.7.20250101T000000Z.core.zst"));
	assert_false(is_there("app.42.20260101T000000Z.core.zst"));
	assert_true(is_there("app.42.20260101T000003Z.core.zst"));
	assert_true(is_there("notes.txt"));
	assert_non_null(
		strstr(text, "removed the older archive app.7.20250101T000000Z.core.zst (3 B)\n"));
}

static void without_a_capture_the_last_archive_stays(void **state)
{
	(void)state;
	RSS(1000, 10, 10, 0);
	fake_proc_file(&proc, "out/app.7.20240101T000000Z.core.zst", "older");
	fake_proc_file(&proc, "out/app.7.20250101T000000Z.core.zst", "old");
	settings.rotation.keep = 1;
	world.outcomes[0] = WATCH_FAILED;
	assert_false(watch(false));
	assert_false(is_there("app.7.20240101T000000Z.core.zst"));
	assert_true(is_there("app.7.20250101T000000Z.core.zst"));
}

/* The calendar was set back: what was just taken looks older than what was there. */
static void the_one_just_taken_stays(void **state)
{
	(void)state;
	RSS(1000);
	fake_proc_file(&proc, "out/app.7.20260101T000000Z.core.zst", "future");
	world.skew = -86400;
	settings.rotation.keep = 1;
	assert_true(watch(false));
	assert_true(is_there("app.42.20251231T000000Z.core.zst"));
}

static void events_are_json(void **state)
{
	(void)state;
	RSS(1000, 10, 0);
	settings.count = 2;
	settings.limits.thresholds[TRIGGER_GROWTH] = 500 << 20;
	settings.limits.window_ns = 60 * DURATION_S;
	assert_true(watch(true));
	assert_string_equal(
		text, "{\"event\":\"watching\",\"pid\":42,\"comm\":\"app\",\"interval_ns\":1000000000,"
			  "\"cooldown_ns\":3000000000,\"count\":2,\"triggers\":[{\"trigger\":\"rss\",\"unit\":"
			  "\"bytes\",\"value\":1024000,\"threshold\":1024000},{\"trigger\":\"growth\",\"unit\":"
			  "\"bytes\",\"value\":0,\"threshold\":524288000,\"window_ns\":60000000000}]}\n"
			  "{\"event\":\"triggered\",\"trigger\":\"rss\",\"unit\":\"bytes\",\"value\":1024000,"
			  "\"threshold\":1024000}\n"
			  "{\"event\":\"ended\",\"why\":\"process 42 (app) has ended\",\"complete\":1,"
			  "\"partial\":0}\n");
}

static void what_cannot_begin_is_an_error(void **state)
{
	(void)state;
	RSS(1000);
	strcat(folder, "/missing");
	assert_false(watch(false));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.hint, "mkdir -p"));
	assert_int_equal(world.captures, 0);
	settings.limits.thresholds[TRIGGER_CGROUP] = 9000;
	*strrchr(folder, '/') = '\0';
	assert_false(watch(false));
	assert_int_equal(err.kind, ERR_USAGE);
	fake_proc_file(&proc, "42/stat", "42 (app) Z 1 7 8 0 -1 0 0 0 0 0 0 0 0 0 20 5 1 0 4242 1 2\n");
	assert_false(watch(false));
	assert_int_equal(err.kind, ERR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_captures_when_the_trigger_fires, make, drop),
		cmocka_unit_test_setup_teardown(it_may_fire_at_once, make, drop),
		cmocka_unit_test_setup_teardown(it_goes_on_until_its_count, make, drop),
		cmocka_unit_test_setup_teardown(the_end_of_the_process_ends_it, make, drop),
		cmocka_unit_test_setup_teardown(the_end_after_a_capture_is_said, make, drop),
		cmocka_unit_test_setup_teardown(a_process_that_is_gone_at_once_is_an_error, make, drop),
		cmocka_unit_test_setup_teardown(a_signal_ends_it, make, drop),
		cmocka_unit_test_setup_teardown(a_failed_capture_is_tried_again, make, drop),
		cmocka_unit_test_setup_teardown(a_late_failure_does_not_count, make, drop),
		cmocka_unit_test_setup_teardown(three_failures_in_a_row_end_it, make, drop),
		cmocka_unit_test_setup_teardown(older_archives_are_removed, make, drop),
		cmocka_unit_test_setup_teardown(without_a_capture_the_last_archive_stays, make, drop),
		cmocka_unit_test_setup_teardown(the_one_just_taken_stays, make, drop),
		cmocka_unit_test_setup_teardown(events_are_json, make, drop),
		cmocka_unit_test_setup_teardown(what_cannot_begin_is_an_error, make, drop),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
