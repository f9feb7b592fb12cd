/* hard_target: a process in one situation that is hard to capture; hard_memory_target has those of
 * its memory.
 *
 * usage: hard_target KIND [NUMBER]
 *
 * The table at the end has the kinds. What is printed and read is described in hard.h. */
#include "hard.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { STORM_THREADS = 3, STORM_PAGES = 16, QUEUED_SIGNALS = 8 };

static void *sleep_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* --- storms --- */

/* Mappings come and go, and are split and joined. */
static void *storm_mappings(void *argument)
{
	const size_t bytes = STORM_PAGES * HARD_PAGE;

	for (;;) {
		char *memory = hard_map(bytes, PROT_READ | PROT_WRITE, 0);

		for (size_t at = 0; at < bytes; at += HARD_PAGE)
			memory[at] = 1;
		mprotect(memory + bytes / 4, bytes / 4, PROT_READ);
		mprotect(memory + bytes / 2, bytes / 4, PROT_NONE);
		munmap(memory + bytes / 4, HARD_PAGE);
		munmap(memory, bytes);
	}
	return argument;
}

static void *storm_forks(void *argument)
{
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	return argument;
}

static void *end_at_once(void *argument)
{
	return argument;
}

static void *storm_threads(void *argument)
{
	for (;;) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, end_at_once, NULL) == 0)
			pthread_join(thread, NULL);
	}
	return argument;
}

static void start_threads(void *(*run)(void *), size_t count)
{
	for (size_t i = 0; i < count; i++)
		hard_thread(run, 0);
}

static void make_mmap_storm(size_t threads)
{
	start_threads(storm_mappings, threads);
}

static void make_fork_storm(size_t threads)
{
	start_threads(storm_forks, threads);
}

static void make_thread_storm(size_t threads)
{
	start_threads(storm_threads, threads);
}

static void make_threads(size_t count)
{
	for (size_t i = 0; i < count; i++)
		hard_thread(sleep_for_ever, PTHREAD_STACK_MIN + HARD_PAGE);
}

/* --- signals --- */

static void make_two_threads(size_t count)
{
	start_threads(sleep_for_ever, count);
}

static void stop_oneself(void)
{
	kill(getpid(), SIGSTOP);
}

static void pending_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGRTMIN + 1);
}

/* Some for the process, some for the thread, one of them many times. */
static void make_pending(size_t count)
{
	sigset_t set;

	pending_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start_threads(sleep_for_ever, 2); /* they have them blocked too */
	kill(getpid(), SIGTERM);
	raise(SIGUSR1);
	for (size_t i = 0; i < count; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = (int)i });
}

static const char *check_pending(void)
{
	sigset_t set, got;

	pending_set(&set);
	sigpending(&got);
	for (int number = 1; number <= SIGRTMAX; number++)
		if (sigismember(&set, number) != sigismember(&got, number))
			return "the set of pending signals changed";
	return NULL;
}

/* The values came in order, each once; they are queued again for the next check. */
static const char *check_queue(void)
{
	struct timespec none = { 0 };
	siginfo_t info = { 0 };
	const char *broken = check_pending();
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	for (size_t i = 0; i < hard_kind->argument && !broken; i++)
		if (sigtimedwait(&set, &info, &none) < 0 || info.si_value.sival_int != (int)i)
			broken = "a queued signal was lost";
	for (size_t i = 0; i < hard_kind->argument && !broken; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = (int)i });
	return broken;
}

/* --- states of threads --- */

static void *wait_for_child(void *argument)
{
	for (;;) {
		pid_t child = vfork();

		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	return argument;
}

static void make_vfork(size_t threads)
{
	start_threads(wait_for_child, threads);
	usleep(50000);
}

static void make_zombie_leader(size_t threads)
{
	start_threads(sleep_for_ever, threads);
}

static void make_non_dumpable(size_t threads)
{
	start_threads(sleep_for_ever, threads);
	prctl(PR_SET_DUMPABLE, 0);
}

/* --- seccomp --- */

static void install_filter(struct sock_filter *rows, size_t count)
{
	struct sock_fprog program = { .len = (unsigned short)count, .filter = rows };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
		hard_skip("seccomp");
}

static void make_seccomp(size_t threads)
{
	struct sock_filter rows[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };

	start_threads(sleep_for_ever, threads);
	install_filter(rows, sizeof rows / sizeof *rows);
}

#define ALLOW_CALL(number)                               \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* What the threads call from now on is allowed. Any other call, above all one that a tool makes
 * them do, ends the process. */
static void make_seccomp_kill(size_t threads)
{
	struct sock_filter rows[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW_CALL(SYS_read),
		ALLOW_CALL(SYS_write),
		ALLOW_CALL(SYS_pause),
		ALLOW_CALL(SYS_futex),
		ALLOW_CALL(SYS_newfstatat),
		ALLOW_CALL(SYS_brk),
		ALLOW_CALL(SYS_restart_syscall),
		ALLOW_CALL(SYS_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};

	start_threads(sleep_for_ever, threads);
	usleep(50000);
	fflush(stdout);
	install_filter(rows, sizeof rows / sizeof *rows);
}

static const struct hard_kind kinds[] = {
	{ "mmap-storm", make_mmap_storm, .argument = STORM_THREADS },
	{ "fork-storm", make_fork_storm, .argument = 2 },
	{ "thread-storm", make_thread_storm, .argument = STORM_THREADS },
	{ "threads", make_threads, .argument = 5000 },
	{ "stopped", make_two_threads, .argument = 2, .after_ready = stop_oneself },
	{ "pending-signals", make_pending, check_queue, .argument = QUEUED_SIGNALS },
	{ "vfork", make_vfork, .argument = 1 },
	{ "seccomp", make_seccomp, .argument = 2 },
	{ "seccomp-kill", make_seccomp_kill, .argument = 2 },
	{ "zombie-leader", make_zombie_leader, .argument = 2, .leader_ends = true },
	{ "non-dumpable", make_non_dumpable, .argument = 2 },
};

int main(int argc, char **argv)
{
	return hard_main(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}
