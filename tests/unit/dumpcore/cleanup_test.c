#include "tests/unit/unit.h"

#include "base/fault.h"
#include "dumpcore/cleanup.h"
#include "dumpcore/inject_machine.h"
#include "dumpcore/priority.h"
#include "dumpcore/replica.h"
#include "tests/support/child.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static struct child child;
static struct target target;
static pid_t kill_at_birth; /* killed while the replica is made, at this point */
static const char *kill_point;

void fault_point(const char *name)
{
	if (kill_at_birth && strcmp(name, kill_point) == 0) {
		kill(kill_at_birth, SIGKILL);
		kill_at_birth = 0;
	}
}

static void start(child_job *job)
{
	child_start(&child, job, NULL);
	assert_true(target_open(&target, PROCFS_ROOT, child.pid, "test", NULL));
}

static void end(void)
{
	target_close(&target);
	child_end(&child);
}

static void do_nothing(void *shared)
{
	(void)shared;
}

/* A zombie of the child's own, which it has not waited for: it is not ours. */
static void leave_zombie(void *shared)
{
	(void)shared;
	if (fork() == 0)
		_exit(0);
	usleep(10000);
}

/* What a capture that is killed with SIGKILL during a fork leaves. */
static void make_and_die(void)
{
	struct inject_site site;
	struct replica replica;
	struct seize seize;

	inject_find_site(&target.mappings, &site);
	seize_init(&seize, &target.procfs, 1);
	if (!seize_stop(&seize, NULL) ||
		!replica_make(&replica, &site, replica_choose_thread(&seize, NULL), false, NULL))
		_exit(1);
	raise(SIGKILL);
}

static void leave_replica(void)
{
	pid_t tracer = fork();
	int status;

	assert_true(tracer >= 0);
	if (tracer == 0)
		make_and_die();
	assert_int_equal(waitpid(tracer, &status, 0), tracer);
	assert_true(WIFSIGNALED(status));
}

/* Its end takes a moment. */
static void find(cleanup_zombies *zombies, size_t wanted)
{
	for (int i = 0; i < 2000; i++) {
		zombies->count = 0;
		cleanup_find(&target, zombies);
		if (zombies->count == wanted)
			return;
		usleep(1000);
	}
	fail_msg("%zu zombies, not %zu", zombies->count, wanted);
}

static void zombies_are_found_and_reaped(void **state)
{
	cleanup_zombies zombies = { 0 };
	struct err err = { 0 };
	size_t reaped = 0;

	(void)state;
	start(do_nothing);
	find(&zombies, 0);
	leave_replica();
	leave_replica();
	find(&zombies, 2);
	assert_int_equal(child_state(zombies.items[0].pid), 'Z');
	if (!cleanup_reap(&target, &zombies, &reaped, &err))
		fail_msg("%s", err.what);
	assert_int_equal(reaped, 2);
	assert_int_equal(child_state(zombies.items[0].pid), 'X');
	assert_true(strchr("RS", child_state(child.pid)) != NULL);
	find(&zombies, 0);
	vec_deinit(&zombies);
	end();
}

static void zombies_of_the_process_itself_stay(void **state)
{
	cleanup_zombies zombies = { 0 };

	(void)state;
	start(leave_zombie);
	cleanup_find(&target, &zombies);
	assert_int_equal(zombies.count, 0);
	leave_replica();
	find(&zombies, 1);
	vec_deinit(&zombies);
	end();
}

static void die_while_cloning(const char *point)
{
	struct inject_site site;
	struct replica replica;
	struct seize seize;
	struct err err = { 0 };

	start(do_nothing);
	inject_find_site(&target.mappings, &site);
	seize_init(&seize, &target.procfs, 1);
	assert_true(seize_stop(&seize, NULL));
	kill_point = point;
	kill_at_birth = child.pid;
	assert_false(replica_make(&replica, &site, replica_choose_thread(&seize, NULL), false, &err));
	assert_int_equal(err.kind, ERR_GONE);
	assert_int_equal(kill_at_birth, 0);
	assert_int_equal(replica.pid, 0);
	seize_deinit(&seize);
	end();
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD); /* nothing is traced or waited for any more */
}

/* The target is killed while its clone is being made: no clone is left behind, stopped for as long
 * as this program lives. */
static void a_target_that_dies_in_the_clone_leaves_none(void **state)
{
	static const char *const points[] = { "inject.entered", "replica.cloned", "inject.called",
										  "replica.born" };

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof *points; i++)
		die_while_cloning(points[i]);
}

static void a_replica_that_never_was_ends(void **state)
{
	struct replica replica = { .procfs.folder = -1 };
	const struct inject_site site = { 0 };

	(void)state;
	assert_true(replica_reap(&replica, &site, 0, false, NULL)); /* nothing to reap */
	replica_end(&replica);
	replica_end(&replica);
	replica_deinit(&replica);
}

/* --- priority --- */

static void the_policy_comes_back(void **state)
{
	struct priority priority = { 0 };

	(void)state;
	priority_restore(&priority); /* nothing was raised */
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	priority_raise(&priority);
	if (!priority.raised) {
		print_message("# SKIP the_policy_comes_back: no CAP_SYS_NICE\n");
		skip();
	}
	assert_int_equal(sched_getscheduler(0), SCHED_RR | SCHED_RESET_ON_FORK);
	priority_raise(&priority); /* once more does not forget what was before */
	priority_restore(&priority);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	priority_restore(&priority);
	priority_lower_io();
	assert_int_equal(syscall(SYS_ioprio_get, 1, 0) & 7, 7);
}

/* --- registers that begin a call again --- */

static struct inject_registers stopped_in(uint64_t number, int64_t result)
{
	struct inject_registers registers = { .size = sizeof(struct user_regs_struct) };
	struct user_regs_struct *user = (void *)registers.words;

	user->cs = 0x33;
	user->orig_rax = number;
	user->rax = (uint64_t)result;
	user->rip = 0x1002;
	user->rdi = 77;
	return registers;
}

static void an_interrupted_wait_is_called_again(void **state)
{
	struct inject_registers registers = stopped_in(SYS_epoll_wait, -EINTR);
	const struct user_regs_struct *user = (const void *)registers.words;

	(void)state;
	assert_true(inject_registers_rewind(&registers));
	assert_int_equal(user->rip, 0x1000);
	assert_int_equal(user->rax, SYS_epoll_wait);
	assert_int_equal(user->rdi, 77);
	assert_false(
		inject_registers_in_call(getpid(), &registers)); /* the kernel does nothing on top */
	assert_false(inject_registers_rewind(&registers));   /* once is enough */
}

static void other_calls_are_left_alone(void **state)
{
	struct inject_registers other[] = {
		stopped_in(SYS_epoll_wait, 3),    /* it has events */
		stopped_in(SYS_epoll_wait, -512), /* the kernel begins it again */
		stopped_in(SYS_read, -EINTR),     /* a handler ran */
		stopped_in(UINT64_MAX, -EINTR),   /* in no call */
		stopped_in(SYS_semop, -EINTR),
	};

	(void)state;
	other[4].size = 68; /* 32-bit code has fewer registers */
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		struct inject_registers before = other[i];

		assert_false(inject_registers_rewind(&other[i]));
		assert_memory_equal(&before, &other[i], sizeof before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zombies_are_found_and_reaped),
		cmocka_unit_test(zombies_of_the_process_itself_stay),
		cmocka_unit_test(a_target_that_dies_in_the_clone_leaves_none),
		cmocka_unit_test(a_replica_that_never_was_ends),
		cmocka_unit_test(the_policy_comes_back),
		cmocka_unit_test(an_interrupted_wait_is_called_again),
		cmocka_unit_test(other_calls_are_left_alone),
	};

	return cmocka_run_group_tests_name("cleanup", tests, NULL, NULL);
}
