/* headroom: how much memory a process may still take before the kernel kills somebody: the limits
 * of its control groups, and what the machine has available. Asked before a clone of the process is
 * made, whose pages are charged to the process's group as they are written, and while it lives. */
#ifndef DUMPCORE_HEADROOM_H
#define DUMPCORE_HEADROOM_H

#include "base/pool.h"
#include "base/span.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A group with a limit. */
struct headroom_group {
	int usage;      /* memory.current, or its name in version 1 */
	int stat;       /* memory.stat; -1 where it cannot be read */
	uint64_t limit; /* bytes */
	const char *limit_file;
};

enum { HEADROOM_GROUPS = 16 };

struct headroom {
	struct headroom_group groups[HEADROOM_GROUPS];
	size_t count;
	int meminfo;
	struct pool pool;
};

/* Opens the files of the process whose /proc/PID/cgroup is `cgroup`. What cannot be read limits
 * nothing. Ends with headroom_close. */
void headroom_open(struct headroom *headroom, const struct procfs *procfs, struct span cgroup);
void headroom_close(struct headroom *headroom);

/* Bytes left of what is tightest now, and in `what` its name (a file of the headroom's). Page cache
 * that nobody has used again counts as left: the kernel takes it back first. UINT64_MAX where
 * nothing is known. Does not allocate. */
uint64_t headroom_left(const struct headroom *headroom, const char **what);

#endif
