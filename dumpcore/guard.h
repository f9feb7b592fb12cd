/* guard: a thread that ends a snapshot child before the memory it costs gets somebody killed.
 *
 * Pages that the target writes while the child lives exist twice, and both are charged to the
 * target's control group. With memory.oom.group the kernel would kill the whole group at its limit,
 * so the child is ended while there is still room: the snapshot is lost then, the target is not. */
#ifndef DUMPCORE_GUARD_H
#define DUMPCORE_GUARD_H

#include "dumpcore/headroom.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct guard {
	const struct headroom *headroom;
	pid_t pid;
	uint64_t floor;
	pthread_t thread;
	atomic_bool ending;
	atomic_bool fired;
	bool running;
};

/* The room below which a child is not made, and is ended: for a time the target writes at full
 * speed before the guard sees it. */
uint64_t guard_floor(const struct headroom *headroom);

/* Watches from now on. Where no thread can be started nothing is watched. */
void guard_start(struct guard *guard, const struct headroom *headroom, pid_t pid);

/* Ends watching. True where it has ended the child. May be called without guard_start. */
bool guard_stop(struct guard *guard);

#endif
