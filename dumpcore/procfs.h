/* procfs: one process in /proc, under a settable root so that tests can fabricate machines.
 *
 * The process folder is opened once: its descriptor stays with this process, so a reused pid is
 * never mistaken for it (reads give ESRCH instead). */
#ifndef DUMPCORE_PROCFS_H
#define DUMPCORE_PROCFS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCFS_ROOT "/proc"

typedef VEC(pid_t) procfs_tids;

struct procfs {
	const char *root; /* not owned */
	pid_t pid;
	int folder;
	DIR *tasks;
};

/* Fields of /proc/PID/stat (proc_pid_stat(5)). */
struct procfs_stat {
	char comm[64];
	char state; /* 'R', 'S', 'D', 'T', 't', 'Z', … */
	pid_t parent;
	pid_t group;
	pid_t session;
	uint64_t flags; /* PF_* of include/linux/sched.h */
	int64_t nice;
	uint64_t started; /* clock ticks after boot */
	int exit_signal;  /* that its parent gets at its end; -1 where the kernel does not tell */
};

/* ERR_NOT_FOUND where there is no such process; the hint names the process that has this id inside
 * a container, where there is one. The caller ends with procfs_close in every case. */
bool procfs_open(struct procfs *procfs, const char *root, pid_t pid, struct err *err);
void procfs_close(struct procfs *procfs);

/* Appends a file of the process folder, "smaps" or "task/42/comm". Does not allocate where `out`
 * has the room. */
bool procfs_read(const struct procfs *procfs, const char *name, size_t limit, struct strbuf *out,
				 struct err *err);

/* Appends a file below the root: "sys/kernel/yama/ptrace_scope". */
bool procfs_read_root(const struct procfs *procfs, const char *name, size_t limit,
					  struct strbuf *out, struct err *err);

/* Opens a file below the root for reading; -1 and errno where it cannot be. */
int procfs_open_root(const struct procfs *procfs, const char *name);

/* The target of a link in the process folder ("exe"); "" where it cannot be read. */
const char *procfs_link(const struct procfs *procfs, const char *name, char *text, size_t size);

/* Opens a file of the process folder; -1 and errno where it cannot be. */
int procfs_open_file(const struct procfs *procfs, const char *name, int flags);

/* Fields of "stat" or "task/TID/stat". */
bool procfs_read_stat(const struct procfs *procfs, const char *name, struct procfs_stat *stat,
					  struct err *err);

/* Lists the process's threads, leader first. Does not allocate where `tids` has the room. */
bool procfs_list_tids(struct procfs *procfs, procfs_tids *tids, struct err *err);

#endif
