/* cleanup: takes away what a capture that was killed may have left: zombies of snapshot children.
 * Everything else of a capture ends with it (see replica.h, track.h, output.h). */
#ifndef DUMPCORE_CLEANUP_H
#define DUMPCORE_CLEANUP_H

#include "base/err.h"
#include "base/vec.h"
#include "dumpcore/procfs.h"
#include "dumpcore/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A zombie child of the target that sends no signal at its end, as only a raw clone makes them, and
 * bears the target's name. */
struct cleanup_zombie {
	pid_t pid;        /* as seen from here */
	pid_t target_pid; /* as the target sees it */
};

typedef VEC(struct cleanup_zombie) cleanup_zombies;

/* Lists them, from the process folders below the target's /proc. */
void cleanup_find(const struct target *target, cleanup_zombies *zombies);

/* Has a thread of the target take their exit statuses; `reaped` tells of how many. */
bool cleanup_reap(struct target *target, const cleanup_zombies *zombies, size_t *reaped,
				  struct err *err);

#endif
