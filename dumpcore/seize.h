/* seize: stops every thread of a process with ptrace, and lets them all go again.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT only: no signal is sent, nothing of the target changes, and the
 * kernel releases the threads when this program ends for any reason. Between seize_stop and
 * seize_release the caller must not allocate, end, or do anything unbounded. */
#ifndef DUMPCORE_SEIZE_H
#define DUMPCORE_SEIZE_H

#include "base/err.h"
#include "base/vec.h"
#include "dumpcore/priority.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct seize_thread {
	pid_t tid;
	bool stopped;
	bool by_us; /* and not because the whole process was stopped by somebody else */
	bool gone;
};

struct seize {
	struct procfs *procfs;
	VEC(struct seize_thread) threads; /* leader first */
	procfs_tids tids;                 /* the last listing */
	uint8_t *known;                   /* a bit for each possible thread id */
	int64_t stopped_ns;               /* monotonic clock: before the first thread was stopped */
	int64_t released_ns;              /* after the last one was let go */
	size_t unstopped;                 /* threads that seize_stop left in state D */
	bool holding;
	struct priority priority; /* raised from stop to release */
};

/* Reserves for `threads` threads and as many again. */
void seize_init(struct seize *seize, struct procfs *procfs, size_t threads);

/* Releases what is still held. */
void seize_deinit(struct seize *seize);

/* Stops all threads, those too that are created meanwhile. On an error everything is released. May
 * be called again after a release.
 * A thread in an uninterruptible wait (state D) does not stop: after a short wait it is left with
 * `stopped` false. It runs no code of its own before it meets its stop, but the kernel may still
 * write into its memory. */
bool seize_stop(struct seize *seize, struct err *err);

/* Stops one thread, the first that stops at once and that `suits`, and leaves the others alone.
 * Gives its id, 0 with an error where there is none. */
pid_t seize_stop_one(struct seize *seize, bool (*suits)(pid_t tid), struct err *err);

/* Lets all threads go on. May be called again: a thread that met its stop late is released then. */
void seize_release(struct seize *seize);

/* Threads that are held. */
size_t seize_count(const struct seize *seize);

/* How long the last stop was, once it is over. */
int64_t seize_pause_ns(const struct seize *seize);

#endif
