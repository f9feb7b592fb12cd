#include "dumpcore/priority.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/ioprio.h, which older headers lack. */
enum { IO_WHO_PROCESS = 1, IO_CLASS_SHIFT = 13, IO_BEST_EFFORT = 2, IO_LOWEST_LEVEL = 7 };

void priority_raise(struct priority *priority)
{
	struct sched_param before = { 0 }, wanted = { .sched_priority = 1 };

	if (priority->raised)
		return;
	priority->policy = sched_getscheduler(0);
	if (priority->policy < 0 || sched_getparam(0, &before) < 0)
		return;
	priority->level = before.sched_priority;
	priority->raised = sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &wanted) == 0;
}

void priority_restore(struct priority *priority)
{
	struct sched_param before = { .sched_priority = priority->level };

	if (priority->raised)
		sched_setscheduler(0, priority->policy, &before);
	priority->raised = false;
}

void priority_lower_io(void)
{
	syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_BEST_EFFORT << IO_CLASS_SHIFT | IO_LOWEST_LEVEL);
}
