/* target: a process looked at from outside, before anything is done to it. */
#ifndef DUMPCORE_TARGET_H
#define DUMPCORE_TARGET_H

#include "archive/proc_text.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/vaddr.h"
#include "dumpcore/access.h"
#include "dumpcore/documents.h"
#include "dumpcore/plan.h"
#include "dumpcore/procfs.h"

#include <limits.h>
#include <stdbool.h>

struct target {
	struct procfs procfs;
	struct access_facts access;
	struct procfs_stat stat;
	struct documents documents;
	struct pool pool;
	mappings mappings;      /* from smaps */
	struct range java_heap; /* empty where none was recognised */
	char exe[PATH_MAX];
	size_t threads;
};

/* Opens the process and reads its documents. What can never be captured (a thread's id, a kernel
 * thread, a zombie, a 32-bit process) is refused; a refusal of the kernel is explained, with
 * `command` in the sudo line. The caller ends with target_close in every case. */
bool target_open(struct target *target, const char *root, pid_t pid, const char *command,
				 struct err *err);
void target_close(struct target *target);

/* Has any of its threads a seccomp filter? */
bool target_is_filtered(const struct target *target);

/* Replaces a permission error by an explanation of the rule behind it; other errors stay. Returns
 * false always. */
bool target_explain(const struct target *target, const char *command, struct err *err);

#endif
