/* access: may this process be captured, and where not: which of the kernel's rules refuses, and
 * what to do. Rules: ptrace(2), "Ptrace access mode checking"; Linux
 * Documentation/admin-guide/LSM/Yama.rst. */
#ifndef DUMPCORE_ACCESS_H
#define DUMPCORE_ACCESS_H

#include "base/err.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <sys/types.h>

/* What decides, read from /proc. */
struct access_facts {
	pid_t pid;
	pid_t leader; /* Tgid: differs from pid where the pid is a thread's */
	char comm[64];
	char state;
	uint64_t threads;
	bool kernel_thread;
	pid_t tracer; /* 0: none */
	uid_t target_uid;
	uid_t own_uid;
	uid_t file_uid;      /* owner of /proc/PID/status: root where the target is not dumpable */
	bool own_capability; /* CAP_SYS_PTRACE in the effective set */
	bool own_admin;      /* CAP_SYS_ADMIN as well */
	bool own_files;      /* CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE */
	bool own_kill;       /* CAP_KILL */
	bool own_filter;     /* this program runs under a seccomp filter */
	bool other_user_namespace;
	int yama_scope; /* -1: no Yama here */
};

bool access_read(const struct procfs *procfs, struct access_facts *facts, struct err *err);

/* Refuses what can never be captured: a thread's id, a kernel thread, a zombie, this process. */
bool access_check_kind(const struct access_facts *facts, struct err *err);

/* May this program end a clone of the target? It has the target's user. */
bool access_may_kill(const struct access_facts *facts);

/* Says why the kernel refused with EPERM or EACCES, and what to do. `command` is the command line
 * to repeat, for the sudo line. Returns false always. */
bool access_explain(const struct access_facts *facts, const char *command, struct err *err);

#endif
