#include "dumpcore/seize.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/progress.h"
#include "dumpcore/inject_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TID_LIMIT = 1 << 22, /* PID_MAX_LIMIT, include/linux/threads.h */
	MILLISECOND = 1000000,
	ASLEEP_MS = 20, /* then threads in state D are left as they are */
	AWAKE_MS = 500, /* for one thread: on a busy machine it may not get its turn before */
	GIVE_UP_MS = 5000,
	LATE_MS = 10,
	STATUS_BYTES = 4096,
	PASSES = 1000, /* a process that creates threads faster than this is not stopped */
};

void seize_init(struct seize *seize, struct procfs *procfs, size_t threads)
{
	size_t room = 2 * threads + 256;

	*seize = (struct seize){ .procfs = procfs };
	seize->known = mem_zeroed(TID_LIMIT / 8, 1);
	seize->threads.items = mem_zeroed(room, sizeof *seize->threads.items);
	seize->threads.capacity = room;
	seize->tids.items = mem_zeroed(room, sizeof *seize->tids.items);
	seize->tids.capacity = room;
}

void seize_deinit(struct seize *seize)
{
	seize_release(seize);
	free(seize->known);
	vec_deinit(&seize->threads);
	vec_deinit(&seize->tids);
	seize->known = NULL;
}

static bool has_state(const struct seize *seize, pid_t tid, const char *states)
{
	struct procfs_stat stat;
	char name[64];

	snprintf(name, sizeof name, "task/%d/stat", (int)tid);
	/* A thread that cannot be read any more has ended. */
	if (!procfs_read_stat(seize->procfs, name, &stat, NULL))
		return strchr(states, 'X') != NULL;
	return strchr(states, stat.state) != NULL;
}

/* A thread may end between the listing and the SEIZE: that is no error. A dead one gives EPERM. */
static bool seize_thread(struct seize *seize, pid_t tid, struct err *err)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		if (errno == ESRCH || has_state(seize, tid, "ZX"))
			return true;
		return err_sys(err, errno, "cannot stop thread %d of process %d", (int)tid,
					   (int)seize->procfs->pid);
	}
	*vec_add(&seize->threads) = (struct seize_thread){ .tid = tid };
	seize->known[tid / 8] |= (uint8_t)(1 << tid % 8);
	/* Fails only where the thread has just ended; then waitpid says so. */
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return true;
}

static bool is_known(const struct seize *seize, pid_t tid)
{
	return tid >= TID_LIMIT || seize->known[tid / 8] >> tid % 8 & 1;
}

/* Seizes the threads that are not held yet and counts them. */
static bool seize_new(struct seize *seize, size_t *fresh, struct err *err)
{
	*fresh = 0;
	if (!procfs_list_tids(seize->procfs, &seize->tids, err))
		return false;
	for (size_t i = 0; i < seize->tids.count; i++) {
		pid_t tid = seize->tids.items[i];
		size_t before = seize->threads.count;

		if (is_known(seize, tid))
			continue;
		if (!seize_thread(seize, tid, err))
			return false;
		*fresh += seize->threads.count - before;
	}
	return true;
}

/* What waitpid reported of a thread. With SEIZE an interrupt and a group stop are both
 * PTRACE_EVENT_STOP (ptrace(2)); a detach from a group stop leaves the target stopped, as it was.
 * Anything else is a signal that arrived first: it is delivered, and because every stop swallows a
 * pending interrupt, the interrupt is renewed before the thread goes on. Its handler's first
 * instruction is not reached. */
static void take_status(struct seize_thread *thread, int status)
{
	if (!WIFSTOPPED(status)) {
		thread->gone = true;
	} else if (status >> 16 == PTRACE_EVENT_STOP) {
		thread->stopped = true;
		thread->by_us = WSTOPSIG(status) == SIGTRAP;
	} else {
		ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL);
		ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(uintptr_t)WSTOPSIG(status));
	}
}

/* Asks once about every thread that did not stop yet; gives how many are left. */
static size_t poll_threads(struct seize *seize, size_t *changed)
{
	size_t left = 0;

	*changed = 0;
	for (size_t i = 0; i < seize->threads.count; i++) {
		struct seize_thread *thread = &seize->threads.items[i];
		int status;
		pid_t got;

		if (thread->stopped || thread->gone)
			continue;
		got = waitpid(thread->tid, &status, __WALL | WNOHANG);
		if (got == thread->tid) {
			take_status(thread, status);
			++*changed;
		} else if (got < 0 && errno == ECHILD) {
			thread->gone = true;
		}
		left += !thread->stopped && !thread->gone;
	}
	return left;
}

static struct seize_thread *find_awake(struct seize *seize)
{
	for (size_t i = 0; i < seize->threads.count; i++) {
		struct seize_thread *thread = &seize->threads.items[i];

		if (!thread->stopped && !thread->gone && !has_state(seize, thread->tid, "D"))
			return thread;
	}
	return NULL;
}

static bool give_up(struct seize *seize, struct err *err)
{
	const struct seize_thread *thread = find_awake(seize);

	if (!thread)
		return true;
	err_set(err, ERR_SYSTEM, "thread %d of process %d did not stop in %d ms", (int)thread->tid,
			(int)seize->procfs->pid, GIVE_UP_MS);
	return err_hint(err, "the target runs on; try again, or use --consistency live");
}

static bool wait_stopped(struct seize *seize, struct err *err)
{
	int64_t start = progress_now_ns();
	long pause = MILLISECOND / 20;
	size_t changed;

	while (poll_threads(seize, &changed)) {
		int64_t waited = progress_now_ns() - start;
		struct timespec nap = { .tv_nsec = pause };

		if (waited > (int64_t)ASLEEP_MS * MILLISECOND && !find_awake(seize))
			return true;
		if (waited > (int64_t)GIVE_UP_MS * MILLISECOND)
			return give_up(seize, err);
		if (!changed) {
			nanosleep(&nap, NULL);
			pause = pause < MILLISECOND ? pause * 2 : pause;
		}
	}
	return true;
}

/* A thread can create others until it is stopped, so the list is read again until a whole listing
 * shows nothing new. */
static bool stop_all(struct seize *seize, struct err *err)
{
	size_t fresh;

	for (int pass = 0; pass < PASSES; pass++) {
		if (!seize_new(seize, &fresh, err))
			return false;
		if (!fresh)
			return seize_count(seize) > 0 ||
				   err_set(err, ERR_GONE, "process %d has ended", (int)seize->procfs->pid);
		if (!wait_stopped(seize, err))
			return false;
	}
	return err_set(err, ERR_SYSTEM, "process %d creates threads faster than they can be stopped",
				   (int)seize->procfs->pid);
}

static size_t count_unstopped(const struct seize *seize)
{
	size_t count = 0;

	for (size_t i = 0; i < seize->threads.count; i++)
		count += !seize->threads.items[i].gone && !seize->threads.items[i].stopped;
	return count;
}

/* Forgets the threads of an earlier stop but those that have not met it yet: they are still held.
 */
static void forget(struct seize *seize)
{
	size_t kept = 0;

	for (size_t i = 0; i < seize->threads.count; i++) {
		const struct seize_thread thread = seize->threads.items[i];

		if (thread.gone)
			seize->known[thread.tid / 8] &= (uint8_t) ~(1 << thread.tid % 8);
		else
			seize->threads.items[kept++] = thread;
	}
	seize->threads.count = kept;
}

static void begin(struct seize *seize)
{
	forget(seize);
	seize->unstopped = 0;
	priority_raise(&seize->priority);
	seize->stopped_ns = progress_now_ns();
	seize->released_ns = 0;
	seize->holding = true;
}

/* Is a signal waiting that the thread would handle? Where that cannot be told: yes. */
static bool has_signal(const struct seize *seize, pid_t tid)
{
	char name[64], text[STATUS_BYTES];
	uint64_t own = 0, shared = 0, blocked = 0;
	AUTO_CLOSE int fd = -1;
	ssize_t got;

	snprintf(name, sizeof name, "task/%d/status", (int)tid);
	fd = procfs_open_file(seize->procfs, name, O_RDONLY);
	got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	text[got > 0 ? got : 0] = '\0';
	if (!strstr(text, "SigBlk:"))
		return true;
	sscanf(strstr(text, "SigPnd:"), "SigPnd: %" SCNx64, &own);
	sscanf(strstr(text, "ShdPnd:"), "ShdPnd: %" SCNx64, &shared);
	sscanf(strstr(text, "SigBlk:"), "SigBlk: %" SCNx64, &blocked);
	return (own | shared) & ~blocked;
}

/* Some system calls end with EINTR at every stop, whether a handler ran or not (signal(7),
 * "Interruption of system calls and library functions by stop signals"). Where no signal is to
 * blame, our stop is: the thread calls again. */
static void undo_interruption(const struct seize *seize, const struct seize_thread *thread)
{
	struct inject_registers registers;

	if (thread->by_us && inject_registers_get(thread->tid, &registers) &&
		inject_registers_rewind(&registers) && !has_signal(seize, thread->tid))
		inject_registers_set(thread->tid, &registers);
}

bool seize_stop(struct seize *seize, struct err *err)
{
	begin(seize);
	if (!stop_all(seize, err)) {
		seize_release(seize);
		return false;
	}
	for (size_t i = 0; i < seize->threads.count; i++)
		if (seize->threads.items[i].stopped && !seize->threads.items[i].gone)
			undo_interruption(seize, &seize->threads.items[i]);
	seize->unstopped = count_unstopped(seize);
	return true;
}

/* Waits a little for the thread that was seized last, longer where it only waits for its turn;
 * others may never stop. */
static bool stops_at_once(struct seize *seize)
{
	const struct seize_thread *last = &seize->threads.items[seize->threads.count - 1];
	int64_t start = progress_now_ns();
	struct timespec nap = { .tv_nsec = MILLISECOND / 20 };
	size_t changed;

	for (;;) {
		int64_t waited = progress_now_ns() - start;

		poll_threads(seize, &changed);
		if (last->stopped || last->gone || waited > (int64_t)AWAKE_MS * MILLISECOND)
			break;
		if (waited > (int64_t)ASLEEP_MS * MILLISECOND && has_state(seize, last->tid, "D"))
			break;
		if (!changed)
			nanosleep(&nap, NULL);
	}
	if (last->stopped)
		undo_interruption(seize, last);
	return last->stopped;
}

pid_t seize_stop_one(struct seize *seize, bool (*suits)(pid_t tid), struct err *err)
{
	if (!procfs_list_tids(seize->procfs, &seize->tids, err))
		return 0;
	forget(seize);
	for (size_t i = 0; i < seize->tids.count; i++) {
		pid_t tid = seize->tids.items[i];

		if (is_known(seize, tid) || has_state(seize, tid, "DZX"))
			continue;
		begin(seize);
		if (!seize_thread(seize, tid, err)) {
			seize_release(seize);
			return 0;
		}
		if (is_known(seize, tid) && stops_at_once(seize) && suits(tid))
			return tid;
		seize_release(seize);
	}
	if (has_state(seize, seize->procfs->pid, "ZX"))
		err_set(err, ERR_GONE, "process %d has ended", (int)seize->procfs->pid);
	else
		err_set(err, ERR_SYSTEM, "no thread of process %d can make a system call now",
				(int)seize->procfs->pid);
	return 0;
}

/* A detach from a stop resumes the thread and delivers nothing. Where it fails the thread was
 * killed, and its end is still to be waited for: until then it stays a zombie. */
static void let_go(struct seize_thread *thread)
{
	if (!thread->stopped || thread->gone)
		return;
	thread->stopped = false;
	thread->gone = ptrace(PTRACE_DETACH, thread->tid, NULL, NULL) == 0;
}

void seize_release(struct seize *seize)
{
	int64_t until = progress_now_ns() + (int64_t)LATE_MS * MILLISECOND;
	struct timespec nap = { .tv_nsec = MILLISECOND };
	size_t left, changed;

	if (!seize->holding)
		return;
	for (;;) {
		for (size_t i = 0; i < seize->threads.count; i++)
			let_go(&seize->threads.items[i]);
		left = poll_threads(seize, &changed);
		if (!seize->released_ns)
			seize->released_ns = progress_now_ns();
		if ((!left && !changed) || progress_now_ns() > until)
			break;
		if (!changed)
			nanosleep(&nap, NULL);
	}
	seize->holding = left > 0;
	priority_restore(&seize->priority);
}

int64_t seize_pause_ns(const struct seize *seize)
{
	return seize->released_ns - seize->stopped_ns;
}

size_t seize_count(const struct seize *seize)
{
	size_t count = 0;

	for (size_t i = 0; i < seize->threads.count; i++)
		count += !seize->threads.items[i].gone;
	return count;
}
