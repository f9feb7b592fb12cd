#include "dumpcore/guard.h"

#include "dumpcore/priority.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum { LOOK_NS = 2000000, LEAST_FLOOR = 64 << 20, FLOOR_SHARE = 32 };

uint64_t guard_floor(const struct headroom *headroom)
{
	uint64_t limit = UINT64_MAX, share;

	for (size_t i = 0; i < headroom->count; i++)
		if (headroom->groups[i].limit < limit)
			limit = headroom->groups[i].limit;
	share = limit == UINT64_MAX ? 0 : limit / FLOOR_SHARE;
	return share > LEAST_FLOOR ? share : LEAST_FLOOR;
}

/* kill is safe against a reused id: the child stays a zombie until its tracer, this program, has
 * taken its exit status, which it does after guard_stop. */
static void *watch(void *argument)
{
	struct guard *guard = argument;
	struct timespec nap = { .tv_nsec = LOOK_NS };
	struct priority priority = { 0 };
	const char *what;

	priority_raise(&priority);
	while (!atomic_load(&guard->ending)) {
		if (headroom_left(guard->headroom, &what) < guard->floor) {
			kill(guard->pid, SIGKILL);
			atomic_store(&guard->fired, true);
			break;
		}
		nanosleep(&nap, NULL);
	}
	return NULL;
}

void guard_start(struct guard *guard, const struct headroom *headroom, pid_t pid)
{
	sigset_t all, before;

	*guard = (struct guard){ .headroom = headroom, .pid = pid, .floor = guard_floor(headroom) };
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	guard->running = pthread_create(&guard->thread, NULL, watch, guard) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool guard_stop(struct guard *guard)
{
	if (guard->running) {
		atomic_store(&guard->ending, true);
		pthread_join(guard->thread, NULL);
	}
	guard->running = false;
	return atomic_load(&guard->fired);
}
