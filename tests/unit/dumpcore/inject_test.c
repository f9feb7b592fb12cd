#include "tests/unit/unit.h"

#include "base/pool.h"
#include "dumpcore/inject.h"
#include "dumpcore/replica.h"
#include "dumpcore/seize.h"
#include "tests/support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child tells. */
struct said {
	atomic_int reads;  /* bytes that came through the pipe */
	atomic_int broken; /* a read that failed, a register that changed */
	atomic_ulong spins;
};

static struct said *said;
static struct child child;
static struct procfs procfs;
static struct seize seize;
static struct inject_site site;
static int pipe_ends[2];
static volatile int marker = 4711;

/* Waits in read(2): the call must be begun again, never fail. */
static void *reader(void *argument)
{
	char byte;

	for (;;) {
		if (read(pipe_ends[0], &byte, 1) == 1)
			atomic_fetch_add(&said->reads, 1);
		else
			atomic_fetch_add(&said->broken, 1);
	}
	return argument;
}

static void spin(void)
{
	for (unsigned long round = 1;; round++) {
		unsigned long a = round, b = round * 3, c = round * 5;

		for (int i = 0; i < 1000; i++)
			__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c));
		if (b != a * 3 || c != a * 5)
			atomic_fetch_add(&said->broken, 1);
		atomic_store(&said->spins, round);
	}
}

static void *spinner(void *argument)
{
	spin();
	return argument;
}

/* Waits for a time, which the kernel goes on with by restart_syscall(2). */
static void *sleeper(void *argument)
{
	struct timespec hour = { .tv_sec = 3600 };

	for (;;)
		if (nanosleep(&hour, NULL) < 0)
			atomic_fetch_add(&said->broken, 1);
	return argument;
}

static void start_threads(void *(*main_of_thread)(void *))
{
	pthread_t thread;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	pthread_create(&thread, NULL, main_of_thread, NULL);
}

static void prepare_reader(void *shared)
{
	(void)shared;
	start_threads(reader);
}

static void prepare_spinner(void *shared)
{
	(void)shared;
	start_threads(spinner);
}

static void prepare_sleeper(void *shared)
{
	(void)shared;
	start_threads(sleeper);
}

static void read_mask(pid_t tid, char *mask, size_t size)
{
	struct strbuf text = { 0 };
	char name[64];

	snprintf(name, sizeof name, "task/%d/status", (int)tid);
	assert_true(procfs_read(&procfs, name, 1 << 16, &text, NULL));
	snprintf(mask, size, "%.17s", strstr(strbuf_text(&text), "SigBlk:") + 7);
	strbuf_deinit(&text);
}

/* A new thread has all signals blocked for a moment. */
static void wait_for_thread(void)
{
	char mask[32] = "";

	for (int i = 0; i < 5000 && strcmp(mask, "\t0000000000000800") != 0; i++) {
		usleep(1000);
		assert_true(procfs_list_tids(&procfs, &seize.tids, NULL));
		if (seize.tids.count > 1)
			read_mask(seize.tids.items[1], mask, sizeof mask);
	}
	assert_string_equal(mask, "\t0000000000000800"); /* SIGUSR2 */
}

static void start(child_job *job)
{
	struct strbuf text = { 0 };
	struct pool pool = { 0 };
	mappings list = { 0 };

	said = child_shared();
	assert_int_equal(pipe(pipe_ends), 0);
	child_start(&child, job, said);
	assert_true(procfs_open(&procfs, PROCFS_ROOT, child.pid, NULL));
	assert_true(procfs_read(&procfs, "maps", 1 << 20, &text, NULL));
	assert_true(proc_text_mappings(strbuf_span(&text), &pool, &list, NULL));
	inject_find_site(&list, &site);
	assert_true(site.code != 0);
	vec_deinit(&list);
	strbuf_deinit(&text);
	pool_deinit(&pool);
	seize_init(&seize, &procfs, 8);
	wait_for_thread();
}

static void end(void)
{
	seize_deinit(&seize);
	procfs_close(&procfs);
	child_end(&child);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	munmap(said, 4096);
}

static pid_t other_thread(void)
{
	for (size_t i = 0; i < seize.threads.count; i++)
		if (seize.threads.items[i].tid != child.pid)
			return seize.threads.items[i].tid;
	return 0;
}

/* The reading thread gets its bytes and nothing else. */
static void check_reader(void)
{
	assert_int_equal(write(pipe_ends[1], "x", 1), 1);
	for (int i = 0; i < 5000 && !atomic_load(&said->reads); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&said->reads), 1);
	assert_int_equal(atomic_load(&said->broken), 0);
	atomic_store(&said->reads, 0);
}

static void check_spinner(void)
{
	unsigned long before = atomic_load(&said->spins);

	for (int i = 0; i < 5000 && atomic_load(&said->spins) == before; i++)
		usleep(1000);
	assert_true(atomic_load(&said->spins) != before);
	assert_int_equal(atomic_load(&said->broken), 0);
}

/* The number of the call that the child's second thread waits in. */
static long waits_in(void)
{
	struct strbuf text = { 0 };
	char name[64];
	long number = -1;

	assert_true(procfs_list_tids(&procfs, &seize.tids, NULL));
	assert_int_equal(seize.tids.count, 2);
	snprintf(name, sizeof name, "task/%d/syscall", (int)seize.tids.items[1]);
	for (int i = 0; i < 5000 && number <= 0; i++) { /* "running" gives 0 */
		strbuf_clear(&text);
		assert_true(procfs_read(&procfs, name, 512, &text, NULL));
		number = strtol(strbuf_text(&text), NULL, 10);
		usleep(1000);
	}
	strbuf_deinit(&text);
	return number;
}

/* It sleeps on, and no call failed. */
static void check_sleeper(void)
{
	long number = waits_in();

	assert_true(number == SYS_restart_syscall || number == SYS_clock_nanosleep ||
				number == SYS_nanosleep);
	assert_int_equal(atomic_load(&said->broken), 0);
}

static void call_getpid(pid_t tid)
{
	static const uint64_t none[6];
	struct err err = { 0 };
	struct inject inject;
	int64_t result = 0;

	assert_true(inject_begin(&inject, &site, tid, false, &err));
	for (int i = 0; i < 3; i++) {
		if (!inject_call(&inject, INJECT_CALL, SYS_getpid, none, &result, &err))
			fail_msg("%s", err.what);
		assert_int_equal(result, child.pid);
	}
	assert_true(inject_end(&inject, &err));
}

static void a_waiting_thread_makes_calls(void **state)
{
	char before[32], after[32];

	(void)state;
	start(prepare_reader);
	for (int i = 0; i < 5; i++) {
		assert_true(seize_stop(&seize, NULL));
		read_mask(other_thread(), before, sizeof before);
		call_getpid(other_thread());
		read_mask(other_thread(), after, sizeof after);
		assert_string_equal(before, after);
		assert_non_null(strpbrk(before, "8")); /* SIGUSR2 */
		seize_deinit(&seize);
		check_reader();
		seize_init(&seize, &procfs, 8);
	}
	end();
}

static void a_computing_thread_makes_calls(void **state)
{
	(void)state;
	start(prepare_spinner);
	for (int i = 0; i < 50; i++) {
		assert_true(seize_stop(&seize, NULL));
		call_getpid(other_thread());
		seize_deinit(&seize);
		check_spinner();
		seize_init(&seize, &procfs, 8);
	}
	end();
}

/* What is left of its time, not all of it again. */
static void a_sleeping_thread_sleeps_on(void **state)
{
	(void)state;
	start(prepare_sleeper);
	for (int i = 0; i < 3; i++) {
		assert_true(seize_stop(&seize, NULL));
		call_getpid(other_thread());
		seize_deinit(&seize);
		seize_init(&seize, &procfs, 8);
		assert_int_equal(waits_in(), SYS_restart_syscall);
		check_sleeper();
	}
	end();
}

static void the_site_is_clean_afterwards(void **state)
{
	uint8_t there[INJECT_CODE_BYTES];
	int memory;

	(void)state;
	start(prepare_reader);
	assert_true(seize_stop(&seize, NULL));
	call_getpid(other_thread());
	memory = procfs_open_file(&procfs, "mem", O_RDONLY);
	assert_true(site.size <= sizeof there);
	assert_int_equal(pread(memory, there, site.size, (off_t)site.code), site.size);
	assert_memory_equal(there, site.before, site.size);
	close(memory);
	seize_release(&seize);
	end();
}

/* A descriptor that a call opens can be taken, and is closed in the target. */
static void a_descriptor_is_closed(void **state)
{
	static const uint64_t size_only[6] = { 0 };
	struct inject inject;
	int64_t result;
	char name[64], link[64];

	(void)state;
	start(prepare_reader);
	assert_true(seize_stop(&seize, NULL));
	assert_true(inject_begin(&inject, &site, other_thread(), false, NULL));
	assert_true(inject_call(&inject, INJECT_OPEN, SYS_eventfd2, size_only, &result, NULL));
	assert_true(result > 2);
	snprintf(name, sizeof name, "fd/%d", (int)result);
	assert_string_equal(procfs_link(&procfs, name, link, sizeof link), "anon_inode:[eventfd]");
	assert_true(inject_close(&inject, NULL));
	assert_true(inject_end(&inject, NULL));
	assert_string_equal(procfs_link(&procfs, name, link, sizeof link), "");
	seize_deinit(&seize);
	check_reader();
	seize_init(&seize, &procfs, 8);
	end();
}

static int read_marker(const struct replica *replica)
{
	int memory = procfs_open_file(&replica->procfs, "mem", O_RDONLY), value = 0;

	assert_int_equal(pread(memory, &value, sizeof value, (off_t)(uintptr_t)&marker), sizeof value);
	close(memory);
	return value;
}

static void a_replica_is_made_and_reaped(void **state)
{
	struct replica replica;
	struct err err = { 0 };

	(void)state;
	start(prepare_spinner);
	assert_true(seize_stop(&seize, NULL));
	assert_true(replica_make(&replica, &site, replica_choose_thread(&seize, NULL), false, &err));
	seize_release(&seize);
	assert_true(replica_open(&replica, PROCFS_ROOT, &err));
	assert_int_equal(child_state(replica.pid), 't');
	check_spinner();
	assert_int_equal(read_marker(&replica), 4711);
	replica_end(&replica);
	assert_int_equal(child_state(replica.target_pid), 'Z');
	seize_deinit(&seize);
	seize_init(&seize, &procfs, 8);
	assert_true(seize_stop(&seize, NULL));
	assert_true(replica_reap(&replica, &site, replica_choose_thread(&seize, NULL), false, &err));
	assert_int_equal(replica.target_pid, 0);
	seize_release(&seize);
	check_spinner();
	replica_deinit(&replica);
	end();
}

/* The thread that waits in a call is preferred to one that computes. */
static void a_waiting_thread_is_chosen(void **state)
{
	(void)state;
	start(prepare_spinner);
	assert_true(seize_stop(&seize, NULL));
	assert_int_equal(replica_choose_thread(&seize, NULL), child.pid); /* it waits in pause(2) */
	end();
}

static void a_stopped_process_stays_stopped(void **state)
{
	(void)state;
	start(prepare_reader);
	kill(child.pid, SIGSTOP);
	waitpid(child.pid, NULL, WUNTRACED);
	assert_true(seize_stop(&seize, NULL));
	call_getpid(other_thread());
	seize_release(&seize);
	usleep(20000);
	assert_int_equal(child_state(child.pid), 'T');
	kill(child.pid, SIGCONT);
	check_reader();
	end();
}

/* A SIGSTOP that arrives while every other signal is blocked is not lost. */
static void a_stop_signal_is_not_lost(void **state)
{
	static const uint64_t none[6];
	struct inject inject;
	int64_t result;

	(void)state;
	start(prepare_reader);
	assert_true(seize_stop(&seize, NULL));
	assert_true(inject_begin(&inject, &site, other_thread(), false, NULL));
	kill(child.pid, SIGSTOP);
	assert_true(inject_call(&inject, INJECT_CALL, SYS_getpid, none, &result, NULL));
	assert_int_equal(result, child.pid);
	assert_true(inject_end(&inject, NULL));
	seize_release(&seize);
	for (int i = 0; i < 5000 && child_state(child.pid) != 'T'; i++)
		usleep(1000);
	assert_int_equal(child_state(child.pid), 'T');
	kill(child.pid, SIGCONT);
	check_reader();
	end();
}

/* Steps of a tracer that is killed behind the last one. */
enum step { STEP_BEGIN, STEP_CALL, STEP_CLONE, STEP_END };

static void die_at(enum step step)
{
	static const uint64_t none[6], files[6] = { 0x400 };
	struct inject inject;
	int64_t result;

	if (!seize_stop(&seize, NULL) || !inject_begin(&inject, &site, other_thread(), false, NULL))
		_exit(1);
	if (step == STEP_CALL || step == STEP_END)
		inject_call(&inject, INJECT_CALL, SYS_getpid, none, &result, NULL);
	if (step == STEP_CLONE)
		inject_call(&inject, INJECT_CLONE, SYS_clone, files, &result, NULL);
	if (step == STEP_END)
		inject_end(&inject, NULL);
	raise(SIGKILL);
}

static size_t living_children(void)
{
	struct strbuf text = { 0 };
	size_t count = 0;
	char name[64];

	snprintf(name, sizeof name, "task/%d/children", (int)child.pid);
	for (int i = 0; i < 100; i++) {
		pid_t pid;
		char *at;

		count = 0;
		strbuf_clear(&text);
		if (!procfs_read(&procfs, name, 1 << 16, &text, NULL))
			return 0;
		at = (char *)(uintptr_t)strbuf_text(&text);
		while ((pid = (pid_t)strtol(at, &at, 10)) > 0)
			count += !strchr("ZX", child_state(pid));
		if (!count)
			break;
		usleep(10000);
	}
	strbuf_deinit(&text);
	return count;
}

static void a_killed_tracer_harms_nothing(void **state)
{
	static child_job *const jobs[] = { prepare_reader, prepare_spinner, prepare_sleeper };
	static void (*const checks[])(void) = { check_reader, check_spinner, check_sleeper };

	(void)state;
	for (int i = 0; i < 12; i++) {
		char before[32], after[32];
		int status;
		pid_t tracer;

		start(jobs[i % 3]);
		procfs_list_tids(&procfs, &seize.tids, NULL);
		read_mask(seize.tids.items[1], before, sizeof before);
		tracer = fork();
		if (tracer == 0)
			die_at((enum step)(i / 3));
		waitpid(tracer, &status, 0);
		assert_true(WIFSIGNALED(status));
		checks[i % 3]();
		read_mask(seize.tids.items[1], after, sizeof after);
		assert_string_equal(before, after);
		assert_int_equal(living_children(), 0);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_waiting_thread_makes_calls),
		cmocka_unit_test(a_computing_thread_makes_calls),
		cmocka_unit_test(a_sleeping_thread_sleeps_on),
		cmocka_unit_test(the_site_is_clean_afterwards),
		cmocka_unit_test(a_descriptor_is_closed),
		cmocka_unit_test(a_replica_is_made_and_reaped),
		cmocka_unit_test(a_waiting_thread_is_chosen),
		cmocka_unit_test(a_stopped_process_stays_stopped),
		cmocka_unit_test(a_stop_signal_is_not_lost),
		cmocka_unit_test(a_killed_tracer_harms_nothing),
	};

	return cmocka_run_group_tests_name("inject", tests, NULL, NULL);
}
