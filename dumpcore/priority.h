/* priority: this thread before others while the target stands still: on a busy machine a stop
 * otherwise lasts as long as this program waits for its turn. Where the kernel does not allow it
 * (no CAP_SYS_NICE) nothing changes. */
#ifndef DUMPCORE_PRIORITY_H
#define DUMPCORE_PRIORITY_H

#include <stdbool.h>

struct priority {
	bool raised;
	int policy; /* as it was */
	int level;
};

/* To the lowest real-time priority, above every ordinary thread (sched(7)). */
void priority_raise(struct priority *priority);

/* Back to what it was; does nothing where nothing was raised. */
void priority_restore(struct priority *priority);

/* The rest of the machine's reads and writes go before those of this thread and of threads that it
 * starts from now on (ioprio_set(2): best effort, lowest level). */
void priority_lower_io(void);

#endif
