#include "dumpcore/replica.h"

#include "base/fault.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MILLISECOND = 1000000, STOP_MS = 5000, END_MS = 10000 };

pid_t replica_choose_thread(const struct seize *seize, struct err *err)
{
	pid_t second = 0;

	for (size_t i = 0; i < seize->threads.count; i++) {
		const struct seize_thread *thread = &seize->threads.items[i];
		bool in_call;

		if (!thread->stopped || thread->gone || !inject_may_use(thread->tid, &in_call))
			continue;
		if (in_call)
			return thread->tid;
		if (!second)
			second = thread->tid;
	}
	if (!second)
		err_set(err, ERR_SYSTEM, "no thread of process %d can make a system call now",
				(int)seize->procfs->pid);
	return second;
}

/* Waits until the process stops or ends; false after the limit. */
static bool wait_change(pid_t pid, int64_t limit_ms, int *status)
{
	int64_t until = progress_now_ns() + limit_ms * MILLISECOND;
	struct timespec nap = { .tv_nsec = MILLISECOND / 20 };

	for (;;) {
		pid_t got = waitpid(pid, status, __WALL | WNOHANG);

		if (got == pid)
			return true;
		if ((got < 0 && errno != EINTR) || progress_now_ns() > until)
			return false;
		nanosleep(&nap, NULL);
	}
}

/* The new process is traced from its birth (PTRACE_O_TRACECLONE) and stands before its first
 * instruction. If this program dies before EXITKILL is set, that instruction ends it. */
static bool hold(pid_t pid, struct err *err)
{
	int status;

	if (!wait_change(pid, STOP_MS, &status) || !WIFSTOPPED(status))
		return err_set(err, ERR_GONE, "the snapshot child ended at once");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		return err_sys(err, errno, "cannot hold the snapshot child");
	return true;
}

static bool refused(int64_t result, struct err *err)
{
	err_sys(err, (int)-result, "the target cannot be cloned");
	if (result == -EAGAIN)
		err_hint(err, "its limit of processes is reached (pids.max of its cgroup, or ulimit -u)");
	else if (result == -ENOMEM)
		err_hint(err, "the kernel does not commit that much memory (vm.overcommit_memory is 2?)");
	return false;
}

bool replica_make(struct replica *replica, const struct inject_site *site, pid_t tid,
				  bool through_seccomp, struct err *err)
{
	static const uint64_t arguments[6] = { CLONE_FILES | CLONE_FS };
	struct inject inject;
	int64_t result;
	bool made, ended;

	*replica = (struct replica){ .procfs.folder = -1 };
	if (!inject_begin(&inject, site, tid, through_seccomp, err))
		return false;
	made = inject_call(&inject, INJECT_CLONE, SYS_clone, arguments, &result, err);
	replica->pid = inject.child; /* there may be one although the thread has ended */
	if (made && result < 0)
		made = refused(result, err);
	if (made) {
		replica->target_pid = (pid_t)result;
		fault_point("replica.born");
		made = hold(replica->pid, err);
	}
	ended = inject_end(&inject, made ? err : NULL);
	if (made && ended)
		return true;
	replica_end(replica);
	return false;
}

bool replica_open(struct replica *replica, const char *root, struct err *err)
{
	static const char worst[] = "1000";
	ssize_t ignored;
	int fd;

	if (!procfs_open(&replica->procfs, root, replica->pid, err))
		return err_prefix(err, "the snapshot child");
	fd = procfs_open_file(&replica->procfs, "oom_score_adj", O_WRONLY);
	ignored = fd < 0 ? 0 : write(fd, worst, sizeof worst - 1);
	(void)ignored; /* where it is not allowed the child is as likely to be chosen as the target */
	if (fd >= 0)
		close(fd);
	return true;
}

void replica_end(struct replica *replica)
{
	int status;

	if (replica->pid <= 0)
		return;
	kill(replica->pid, SIGKILL);
	while (wait_change(replica->pid, END_MS, &status) && WIFSTOPPED(status))
		;
	replica->pid = 0;
}

bool replica_reap(struct replica *replica, const struct inject_site *site, pid_t tid,
				  bool through_seccomp, struct err *err)
{
	const uint64_t arguments[6] = { (uint64_t)replica->target_pid, 0, __WALL | WNOHANG, 0 };
	struct inject inject;
	int64_t result;
	bool called;

	if (!replica->target_pid)
		return true;
	if (!inject_begin(&inject, site, tid, through_seccomp, err))
		return false;
	called = inject_call(&inject, INJECT_CALL, SYS_wait4, arguments, &result, err);
	if (called && (result == replica->target_pid || result == -ECHILD))
		replica->target_pid = 0;
	return inject_end(&inject, called ? err : NULL) && called;
}

void replica_deinit(struct replica *replica)
{
	replica_end(replica);
	procfs_close(&replica->procfs);
}
