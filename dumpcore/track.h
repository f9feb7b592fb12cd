/* track: which pages of a running target are written, told by the kernel: a userfaultfd of the
 * target write-protects its memory, and the kernel lifts the protection of a page at its first
 * write without asking anybody (UFFD_FEATURE_WP_ASYNC, Linux 6.7; ioctl_userfaultfd(2)). What is
 * not protected any more was written.
 *
 * The descriptor is made by a thread of the target, because a userfaultfd is of the process that
 * made it, and taken over with pidfd_getfd(2): the target keeps nothing, and everything is undone
 * by the kernel when this program ends, however it ends. The first write to a protected page costs
 * the target under a microsecond. */
#ifndef DUMPCORE_TRACK_H
#define DUMPCORE_TRACK_H

#include "base/err.h"
#include "base/vaddr.h"
#include "base/vec.h"
#include "dumpcore/inject.h"
#include "dumpcore/pagemap_scan.h"
#include "dumpcore/pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef VEC(struct range) track_ranges;

struct track {
	int fd;              /* the userfaultfd; -1: none */
	int pagemap;         /* of the target; not owned */
	bool tells_holes;    /* this kernel reports dropped memory without page tables as written */
	track_ranges ranges; /* tracked, ascending */
	struct pagemap_region *regions;
};

/* Can this kernel do it at all? Where not, why. Touches nothing but this program. */
bool track_possible(const char **why);

/* Before the stop: looks what the kernel can do, and allocates. `pagemap` is the target's. Ends
 * with track_close. */
bool track_prepare(struct track *track, int pagemap, struct err *err);

/* Takes a userfaultfd from the thread `tid`, held in a stop; `pid` is its process. The thread is
 * used up to its end (inject_end was called). Does not allocate. */
bool track_open(struct track *track, const struct inject_site *site, pid_t pid, pid_t tid,
				bool through_seccomp, struct err *err);

/* Tracks a range from now on: whole mappings, ascending. False where the kernel refuses it; it then
 * counts as written always. Takes effect with track_protect. */
bool track_add(struct track *track, struct range range);

/* Protects what is there. In pieces, so that the target never waits for more than one of them. */
bool track_protect(struct track *track, struct err *err);

/* Appends to `written` (ascending, joined) the pages in the range that are there and were written
 * since they were protected, and protects them again. A range that is not tracked any more: all of
 * it. */
bool track_collect(struct track *track, struct range range, track_ranges *written, struct err *err);

/* The same for a target that stands still: what was dropped since is among it, nothing is protected
 * again, and nothing is allocated where `written` has the room. `range` is one mapping. */
bool track_final(struct track *track, struct range range, const struct page_map *before,
				 track_ranges *written, struct err *err);

/* Gives everything back, in pieces. May be called without track_open, where `fd` is -1. */
void track_close(struct track *track);

#endif
