/* replica: the snapshot child: a copy-on-write clone of the target that never runs. Its memory is
 * what the target's was at one instant; it is read through /proc/REPLICA/mem while the target goes
 * on.
 *
 * It is a child of the target that sends no signal at its end (exit signal 0), shares the target's
 * descriptors (so a file that the target closes is closed), is held by ptrace with
 * PTRACE_O_EXITKILL, and its first instruction would end it. Its exit leaves a zombie that only the
 * target can reap: replica_reap has a thread of the target do it. */
#ifndef DUMPCORE_REPLICA_H
#define DUMPCORE_REPLICA_H

#include "base/err.h"
#include "dumpcore/inject.h"
#include "dumpcore/procfs.h"
#include "dumpcore/seize.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct replica {
	pid_t pid;            /* as seen from here; 0: none, or its end was seen */
	pid_t target_pid;     /* as the target sees it; 0: there is nothing to reap */
	struct procfs procfs; /* of the replica */
};

/* Picks the held thread that a system call is best made with: one that waits in a call before one
 * that computes, never one inside a restartable sequence. 0 with an error where there is none. */
pid_t replica_choose_thread(const struct seize *seize, struct err *err);

/* Makes the replica through that thread, which is used up to its end (inject_end was called). On
 * failure there is no replica. Between stop and release: does not allocate. */
bool replica_make(struct replica *replica, const struct inject_site *site, pid_t tid,
				  bool through_seccomp, struct err *err);

/* Opens its /proc folder, and makes it the first choice of the kernel's out-of-memory killer. */
bool replica_open(struct replica *replica, const char *root, struct err *err);

/* Ends it and waits for its end. May be called again, and from a watching thread only while nobody
 * else calls it. */
void replica_end(struct replica *replica);

/* Has a thread of the target, held by `seize`, take the zombie's exit status. */
bool replica_reap(struct replica *replica, const struct inject_site *site, pid_t tid,
				  bool through_seccomp, struct err *err);

void replica_deinit(struct replica *replica);

#endif
