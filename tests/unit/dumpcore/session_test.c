#include "tests/unit/unit.h"

#include "base/fault.h"
#include "base/file.h"
#include "dumpcore/session.h"
#include "dumpcore/snapshot.h"
#include "dumpcore/track.h"
#include "tests/support/child.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20, BUSY = 64 * MIB };

static char folder[] = "/tmp/dumpcore-session-XXXXXX";
static struct child child;
static struct target target;
static struct output output;
static struct session_result result;
static struct err err;
static bool taken;
static atomic_int *growth;  /* set to 1 the child grows, 2 says that it has */
static const char *kill_at; /* the fault point where the child is killed */

void fault_point(const char *name)
{
	if (strcmp(name, "precopy.round") == 0 && atomic_load(growth) == 0) {
		atomic_store(growth, 1);
		while (atomic_load(growth) == 1)
			usleep(200);
	}
	if (!kill_at || strcmp(name, kill_at) != 0)
		return;
	kill_at = NULL;
	kill(child.pid, SIGKILL);
	usleep(20000);
}

static int make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void be_quiet(void *shared)
{
	(void)shared;
}

static void *grow(void *argument)
{
	atomic_int *order = argument;

	while (!atomic_load(order))
		usleep(200);
	mmap(NULL, BUSY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	atomic_store(order, 2);
	for (;;)
		pause();
	return NULL;
}

/* Just before the stop of a pre-copy there is more new memory than it copies in its stop. A clone
 * is made dearer than a pre-copy by memory that is not captured, a freeze by what is. */
static void be_growing(void *shared)
{
	char *unread =
		mmap(NULL, 16 * BUSY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;

	madvise(unread, 16 * BUSY, MADV_NOHUGEPAGE);
	madvise(unread, 16 * BUSY, MADV_DONTDUMP);
	memset(unread, 'x', 16 * BUSY);
	mmap(NULL, 4 * BUSY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	pthread_create(&thread, NULL, grow, shared);
}

static void capture(const char *consistency, child_job *job, int64_t most_pause_ns)
{
	struct choice choice = { 0 };
	struct session_request request = { .consistency = consistency,
									   .choice = &choice,
									   .selection_text = "native",
									   .command = "test",
									   .most_pause_ns = most_pause_ns };
	struct progress silent = { 0 };
	char name[64];

	err = (struct err){ 0 };
	snprintf(name, sizeof name, "%s/core", folder);
	growth = child_shared();
	child_start(&child, job, growth);
	if (job != be_growing)
		atomic_store(growth, 2);
	assert_true(plan_selection_parse("native", &choice.selection, NULL));
	assert_true(target_open(&target, PROCFS_ROOT, child.pid, "test", &err));
	assert_true(output_open(&output, name, &err));
	taken = session_run(&result, &request, &target, &output, &silent, &err);
	output_close(&output);
	assert_int_equal(unlink(name) == 0, taken);
}

static void end(void)
{
	session_result_deinit(&result);
	target_close(&target);
	child_end(&child);
	munmap(growth, 4096);
}

static bool lacks_tracking(const char *test)
{
	const char *why;

	if (track_possible(&why))
		return false;
	print_message("# SKIP %s: %s\n", test, why);
	return true;
}

static void expect_why(const char *text)
{
	if (!strstr(strbuf_text(&result.why), text))
		fail_msg("'%s' lacks '%s'", strbuf_text(&result.why), text);
}

static void the_first_way_is_taken_and_explained(void **state)
{
	(void)state;
	capture(SESSION_AUTO, be_quiet, 0);
	assert_true(taken && result.complete);
	assert_memory_equal(strbuf_text(&result.why), result.consistency, strlen(result.consistency));
	expect_why(", forecast ");
	expect_why(" would take ");
	assert_true(result.pause_ns > 0 && result.memory_bytes > 0 && result.stored_bytes > 0);
	assert_int_equal(result.reason.size, 0);
	end();
}

/* The way that gives up is named with its reason, and its stop counts. */
static void a_growing_process_is_forked(void **state)
{
	if (lacks_tracking("a_growing_process_is_forked"))
		skip();
	(void)state;
	capture(SESSION_AUTO, be_growing, 0);
	if (!taken)
		fail_msg("%s", err.what);
	if (strncmp(strbuf_text(&result.why), "precopy", 7) != 0) {
		print_message("# SKIP a_growing_process_is_forked: too slow here: %s\n",
					  strbuf_text(&result.why));
		end();
		skip();
	}
	assert_string_equal(result.consistency, "fork");
	expect_why("; gave up: precopy: the process writes to ");
	expect_why("; then fork, forecast ");
	assert_true(result.pause_ns > 0);
	assert_true(result.complete);
	end();
}

static void a_way_that_was_asked_for_is_not_left(void **state)
{
	if (lacks_tracking("a_way_that_was_asked_for_is_not_left"))
		skip();
	(void)state;
	capture("precopy", be_growing, 0);
	assert_false(taken);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(strstr(err.hint, "--consistency fork"));
	assert_true(strchr("RS", child_state(child.pid)) != NULL);
	end();
}

static void ways_that_are_too_slow_are_not_gone(void **state)
{
	(void)state;
	capture(SESSION_AUTO, be_quiet, 1000); /* a microsecond */
	assert_true(taken);
	assert_string_equal(result.consistency, "live");
	expect_why("; not fork: it would stop the process for about ");
	assert_int_equal(result.pause_ns, 0);
	end();
	capture("freeze", be_quiet, 1000);
	assert_false(taken);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(strstr(err.what, "longer than the"));
	assert_non_null(strstr(err.hint, "--consistency live can be had"));
	end();
}

/* A process that ends half way gives a partial archive, whichever way is gone, and no other way is
 * tried. */
static void a_process_that_ends_gives_a_partial_archive(void **state)
{
	static const char *const ends[][2] = { { "freeze", "freeze.stopped" },
										   { "freeze", "freeze.described" },
										   { "fork", "fork.stopped" },
										   { SESSION_AUTO, "snapshot.prepared" } };

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		kill_at = ends[i][1];
		capture(ends[i][0], be_quiet, 0);
		if (!taken)
			fail_msg("%s: %s", ends[i][1], err.what);
		assert_false(result.complete);
		assert_true(result.reason.size > 0);
		assert_null(strstr(strbuf_text(&result.why), "gave up"));
		end();
	}
}

/* --- freeze with a limit, and a reader that does not read --- */

struct late_reader {
	int fd;
	atomic_bool wanted;
	struct strbuf text;
};

static void *read_late(void *argument)
{
	struct late_reader *reader = argument;
	ssize_t got;

	while (!atomic_load(&reader->wanted))
		usleep(1000);
	do {
		got = read(reader->fd, strbuf_room(&reader->text, MIB), MIB);
		reader->text.size += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	return NULL;
}

/* Present blocks and holes in turn, more than a sink takes in before it must write. */
static void be_full_of_holes(void *shared)
{
	char *memory =
		mmap(NULL, 128 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)shared;
	madvise(memory, 128 * MIB, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < 128 * (size_t)MIB; at += MIB)
		memset(memory + at, 'x', 200 << 10);
}

/* The child runs again although nobody has read a byte yet; only then the reader begins. */
static void *wait_until_it_runs(void *argument)
{
	struct late_reader *reader = argument;

	while (child_state(child.pid) != 't')
		usleep(1000);
	while (child_state(child.pid) == 't')
		usleep(1000);
	atomic_store(&reader->wanted, true);
	return NULL;
}

static void a_frozen_process_goes_on_when_its_time_is_over(void **state)
{
	struct choice choice = { 0 };
	struct snapshot_request request = { .method = snapshot_method("freeze"),
										.choice = &choice,
										.selection_text = "native",
										.command = "test",
										.most_pause_ns = 50000000 };
	struct progress silent = { 0 };
	struct late_reader reader = { 0 };
	struct snapshot snapshot;
	pthread_t threads[2];
	int ends[2];

	(void)state;
	child_start(&child, be_full_of_holes, NULL);
	assert_int_equal(pipe(ends), 0);
	reader.fd = ends[0];
	assert_true(plan_selection_parse("native", &choice.selection, NULL));
	assert_true(target_open(&target, PROCFS_ROOT, child.pid, "test", &err));
	output = (struct output){ .fd = ends[1], .is_stream = true, .is_stdout = true };
	pthread_create(&threads[0], NULL, read_late, &reader);
	pthread_create(&threads[1], NULL, wait_until_it_runs, &reader);
	taken = snapshot_run(&snapshot, &request, &target, &output, &silent, &err);
	if (!taken)
		fail_msg("%s", err.what);
	close(ends[1]);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_false(snapshot.outcome.complete);
	assert_true(snapshot.outcome.torn_from != 0);
	assert_non_null(strstr(snapshot.outcome.reason, "(--max-pause): memory from 0x"));
	assert_int_equal(snapshot.outcome.errors.count, 0);
	assert_int_equal(reader.text.size, snapshot.stored_bytes);
	assert_true(snapshot.outcome.pause_ns >= request.most_pause_ns);
	strbuf_deinit(&reader.text);
	snapshot_deinit(&snapshot);
	target_close(&target);
	child_end(&child);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_way_is_taken_and_explained),
		cmocka_unit_test(a_growing_process_is_forked),
		cmocka_unit_test(a_way_that_was_asked_for_is_not_left),
		cmocka_unit_test(ways_that_are_too_slow_are_not_gone),
		cmocka_unit_test(a_process_that_ends_gives_a_partial_archive),
		cmocka_unit_test(a_frozen_process_goes_on_when_its_time_is_over),
	};

	return cmocka_run_group_tests_name("session", tests, make, drop);
}
