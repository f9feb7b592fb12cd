/* fake_proc: a fabricated /proc in a temporary folder, so that whole machines become test data. */
#ifndef TESTS_SUPPORT_FAKE_PROC_H
#define TESTS_SUPPORT_FAKE_PROC_H

#include <sys/types.h>

struct fake_proc {
	char root[64];
};

/* An empty root below /tmp. */
void fake_proc_init(struct fake_proc *proc);

/* Removes it with all its files. */
void fake_proc_deinit(struct fake_proc *proc);

/* Writes a file below the root, making its folders: fake_proc_file(&p, "42/status", "…"). */
void fake_proc_file(const struct fake_proc *proc, const char *name, const char *text);

/* A symbolic link below the root. */
void fake_proc_link(const struct fake_proc *proc, const char *name, const char *target);

/* The usual files of a process and of this program ("self"): a plain process of user 1000, looked
 * at by user 1000. Files written later replace them. */
void fake_proc_process(const struct fake_proc *proc, pid_t pid, const char *comm);

#endif
