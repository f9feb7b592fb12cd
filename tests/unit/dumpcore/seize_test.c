#include "tests/unit/unit.h"

#include "dumpcore/seize.h"
#include "tests/support/child.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 20 };

/* What the child's threads count while they run. */
struct counters {
	atomic_ulong spins;
	atomic_ulong signals;
};

static struct counters *counters;
static struct child child;
static struct procfs procfs;
static struct seize seize;

static void *spin(void *argument)
{
	(void)argument;
	for (;;) {
		atomic_fetch_add(&counters->spins, 1);
		sched_yield();
	}
	return NULL;
}

static void *breed(void *argument)
{
	for (int i = 0; argument && i < 3; i++) {
		pthread_t thread;
		pthread_attr_t attributes;

		pthread_attr_init(&attributes);
		pthread_attr_setstacksize(&attributes, 64 << 10);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		pthread_create(&thread, &attributes, breed, i ? NULL : argument);
	}
	return NULL;
}

static void count_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&counters->signals, 1);
}

static void many_threads(void *shared)
{
	(void)shared;
	signal(SIGUSR1, count_signal);
	signal(SIGRTMIN, count_signal);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, spin, NULL);
	}
}

/* Threads that create threads, and end, all the time. */
static void storm(void *shared)
{
	pthread_t thread;

	many_threads(shared);
	pthread_create(&thread, NULL, breed, shared);
}

static void start(child_job *job)
{
	counters = child_shared();
	child_start(&child, job, counters);
	assert_true(procfs_open(&procfs, PROCFS_ROOT, child.pid, NULL));
	seize_init(&seize, &procfs, 8);
}

static void end(void)
{
	seize_deinit(&seize);
	procfs_close(&procfs);
	child_end(&child);
	munmap(counters, 4096);
}

/* True where the counter moves on within a few seconds. */
static bool moves(const atomic_ulong *counter)
{
	unsigned long before = atomic_load(counter);

	for (int i = 0; i < 5000 && atomic_load(counter) == before; i++)
		usleep(1000);
	return atomic_load(counter) != before;
}

static void stopped_threads_stand_still(void **state)
{
	unsigned long before;

	(void)state;
	start(many_threads);
	assert_true(seize_stop(&seize, NULL));
	assert_int_equal(seize_count(&seize), THREADS + 1);
	assert_int_equal(seize.unstopped, 0);
	assert_int_equal(seize.threads.items[0].tid, child.pid);
	before = atomic_load(&counters->spins);
	usleep(20000);
	assert_int_equal(atomic_load(&counters->spins), before);
	seize_release(&seize);
	assert_true(seize.released_ns > seize.stopped_ns);
	assert_true(moves(&counters->spins));
	end();
}

static void a_storm_of_threads_is_stopped(void **state)
{
	(void)state;
	start(storm);
	for (int i = 0; i < 5; i++) {
		unsigned long before;

		assert_true(seize_stop(&seize, NULL));
		before = atomic_load(&counters->spins);
		usleep(5000);
		assert_int_equal(atomic_load(&counters->spins), before);
		seize_deinit(&seize);
		seize_init(&seize, &procfs, 8);
	}
	assert_true(moves(&counters->spins));
	end();
}

/* Signals that arrive while the threads are being stopped, or stand still, are delivered once. */
static void signals_are_delivered(void **state)
{
	(void)state;
	start(many_threads);
	for (unsigned long i = 1; i <= 50; i++) {
		kill(child.pid, SIGUSR1);
		assert_true(seize_stop(&seize, NULL));
		seize_deinit(&seize);
		for (int wait = 0; wait < 5000 && atomic_load(&counters->signals) < i; wait++)
			usleep(1000);
		assert_int_equal(atomic_load(&counters->signals), i);
		seize_init(&seize, &procfs, 8);
	}
	end();
}

enum { QUEUED = 4000 };

/* Sends queued signals without pause, so that some arrive while threads are being stopped. */
static void send_signals(pid_t to)
{
	for (int i = 0; i < QUEUED; i++) {
		while (sigqueue(to, SIGRTMIN, (union sigval){ .sival_int = i }) != 0)
			usleep(100);
		if (i % 8 == 0)
			sched_yield();
	}
	_exit(0);
}

static void a_storm_of_signals_is_delivered(void **state)
{
	pid_t sender;
	int status;

	(void)state;
	start(many_threads);
	sender = fork();
	if (sender == 0)
		send_signals(child.pid);
	while (waitpid(sender, &status, WNOHANG) == 0) {
		assert_true(seize_stop(&seize, NULL));
		seize_deinit(&seize);
		seize_init(&seize, &procfs, 32);
	}
	for (int wait = 0; wait < 10000 && atomic_load(&counters->signals) < QUEUED; wait++)
		usleep(1000);
	assert_int_equal(atomic_load(&counters->signals), QUEUED);
	end();
}

/* The race itself, made certain: a thread is held by SEIZE and has met a signal before INTERRUPT
 * reached it. The signal must be delivered and the thread must stop all the same. */
static void a_signal_before_the_interrupt_is_delivered(void **state)
{
	siginfo_t info;
	pid_t tid;

	(void)state;
	start(many_threads);
	assert_true(procfs_list_tids(&procfs, &seize.tids, NULL));
	tid = seize.tids.items[1];
	assert_int_equal(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	*vec_add(&seize.threads) = (struct seize_thread){ .tid = tid };
	seize.known[tid / 8] |= (uint8_t)(1 << tid % 8);
	assert_int_equal(syscall(SYS_tgkill, child.pid, tid, SIGUSR1), 0);
	assert_int_equal(waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOWAIT | __WALL), 0);
	assert_true(seize_stop(&seize, NULL));
	assert_int_equal(seize_count(&seize), THREADS + 1);
	assert_int_equal(atomic_load(&counters->signals), 0); /* its handler has not run */
	seize_release(&seize);
	for (int wait = 0; wait < 5000 && !atomic_load(&counters->signals); wait++)
		usleep(1000);
	assert_int_equal(atomic_load(&counters->signals), 1);
	end();
}

static void a_stopped_process_stays_stopped(void **state)
{
	(void)state;
	start(many_threads);
	kill(child.pid, SIGSTOP);
	waitpid(child.pid, NULL, WUNTRACED);
	assert_true(seize_stop(&seize, NULL));
	seize_release(&seize);
	usleep(20000);
	assert_int_equal(child_state(child.pid), 'T');
	kill(child.pid, SIGCONT);
	assert_true(moves(&counters->spins));
	end();
}

static void a_process_that_died_is_gone(void **state)
{
	struct err err = { 0 };

	(void)state;
	start(many_threads);
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	assert_false(seize_stop(&seize, &err));
	assert_int_equal(err.kind, ERR_GONE);
	end();
}

static void killing_a_held_process_works(void **state)
{
	(void)state;
	start(many_threads);
	assert_true(seize_stop(&seize, NULL));
	kill(child.pid, SIGKILL);
	usleep(10000);
	seize_release(&seize);
	end();
}

/* Whoever held the threads died: the kernel lets them go. */
static void a_killed_tracer_leaves_the_target_running(void **state)
{
	pid_t tracer;
	int status;

	(void)state;
	start(many_threads);
	tracer = fork();
	if (tracer == 0) {
		seize_stop(&seize, NULL);
		raise(SIGKILL);
	}
	waitpid(tracer, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_true(moves(&counters->spins));
	end();
}

/* --- one thread --- */

static bool any(pid_t tid)
{
	return tid > 0;
}

static bool none(pid_t tid)
{
	return tid < 0;
}

static void *spin_alone(void *argument)
{
	for (;;)
		atomic_fetch_add(&counters->spins, 1);
	return argument;
}

static void pin_to(size_t processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof set, &set);
}

static void one_thread(void *shared)
{
	(void)shared;
}

static void *wait_for_vfork(void *argument)
{
	if (vfork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	return argument;
}

/* The leader waits for the child of its vfork, in state D; another thread spins. */
static void leader_in_vfork(void *shared)
{
	pthread_t thread;

	(void)shared;
	pthread_create(&thread, NULL, spin, NULL);
	pthread_create(&thread, NULL, wait_for_vfork, NULL);
}

static void the_only_thread_is_stopped_alone(void **state)
{
	(void)state;
	start(one_thread);
	assert_int_equal(seize_stop_one(&seize, any, NULL), child.pid);
	assert_int_equal(seize_count(&seize), 1);
	assert_int_equal(child_state(child.pid), 't');
	seize_release(&seize);
	assert_true(strchr("RS", child_state(child.pid)) != NULL);
	end();
}

static void the_others_run_on(void **state)
{
	(void)state;
	start(many_threads);
	assert_int_equal(seize_stop_one(&seize, any, NULL), child.pid);
	assert_true(moves(&counters->spins));
	seize_release(&seize);
	assert_true(seize_pause_ns(&seize) > 0);
	end();
}

/* A thread that does not suit is let go, and the last word is an error. */
static void without_a_suitable_thread_all_run_on(void **state)
{
	struct err err = { 0 };

	(void)state;
	start(many_threads);
	assert_int_equal(seize_stop_one(&seize, none, &err), 0);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_false(seize.holding);
	assert_true(strchr("RS", child_state(child.pid)) != NULL);
	assert_true(moves(&counters->spins));
	end();
}

static void threads_in_vfork_are_passed_over(void **state)
{
	procfs_tids tids = { 0 };
	char waiting = ' ';

	(void)state;
	start(leader_in_vfork);
	for (int i = 0; i < 5000 && waiting != 'D'; i++) {
		usleep(1000);
		assert_true(procfs_list_tids(&procfs, &tids, NULL));
		for (size_t at = 0; at < tids.count && waiting != 'D'; at++) {
			struct procfs_stat stat;
			char name[64];

			snprintf(name, sizeof name, "task/%d/stat", (int)tids.items[at]);
			if (procfs_read_stat(&procfs, name, &stat, NULL))
				waiting = stat.state;
		}
	}
	assert_int_equal(waiting, 'D');
	for (int i = 0; i < 3; i++) {
		assert_true(seize_stop_one(&seize, any, NULL) > 0);
		seize_release(&seize);
	}
	assert_true(moves(&counters->spins));
	vec_deinit(&tids);
	end();
}

static void a_process_that_died_has_no_thread_to_stop(void **state)
{
	struct err err = { 0 };

	(void)state;
	start(one_thread);
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, WNOWAIT);
	assert_int_equal(seize_stop_one(&seize, any, &err), 0);
	assert_int_equal(err.kind, ERR_GONE);
	end();
}

/* One thread of the lowest priority on a processor that others keep busy: its stop takes until it
 * has had its turn, and it is waited for. */
static void starve(void *shared)
{
	struct sched_param parameter = { 0 };
	pthread_t thread;

	(void)shared;
	pin_to(0);
	pthread_create(&thread, NULL, spin_alone, NULL);
	sched_setscheduler(0, SCHED_IDLE, &parameter);
	while (atomic_fetch_add(&counters->signals, 1) < 50)
		;
}

static bool is_leader(pid_t tid)
{
	return tid == child.pid;
}

static void spin_on(size_t processor)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	pin_to(processor);
	for (;;)
		;
}

static void a_starved_thread_is_waited_for(void **state)
{
	enum { HOGS = 3 };
	pid_t hogs[HOGS];

	(void)state;
	start(starve);
	for (int i = 0; i < HOGS; i++) {
		hogs[i] = fork();
		if (hogs[i] == 0)
			spin_on(0);
	}
	for (int i = 0; i < 5; i++) {
		assert_int_equal(seize_stop_one(&seize, is_leader, NULL), child.pid);
		seize_release(&seize);
		usleep(1000);
	}
	for (int i = 0; i < HOGS; i++) {
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopped_threads_stand_still),
		cmocka_unit_test(a_storm_of_threads_is_stopped),
		cmocka_unit_test(signals_are_delivered),
		cmocka_unit_test(a_storm_of_signals_is_delivered),
		cmocka_unit_test(a_signal_before_the_interrupt_is_delivered),
		cmocka_unit_test(a_stopped_process_stays_stopped),
		cmocka_unit_test(a_process_that_died_is_gone),
		cmocka_unit_test(killing_a_held_process_works),
		cmocka_unit_test(a_killed_tracer_leaves_the_target_running),
		cmocka_unit_test(the_only_thread_is_stopped_alone),
		cmocka_unit_test(the_others_run_on),
		cmocka_unit_test(without_a_suitable_thread_all_run_on),
		cmocka_unit_test(threads_in_vfork_are_passed_over),
		cmocka_unit_test(a_process_that_died_has_no_thread_to_stop),
		cmocka_unit_test(a_starved_thread_is_waited_for),
	};

	return cmocka_run_group_tests_name("seize", tests, NULL, NULL);
}
