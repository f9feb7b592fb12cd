/* cgroup: where the memory files of a process's control group are, of version 2 or 1
 * (cgroups(7), proc_pid_mountinfo(5)). */
#ifndef DUMPCORE_CGROUP_H
#define DUMPCORE_CGROUP_H

#include "base/pool.h"
#include "base/span.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stddef.h>

struct cgroup_file {
	const char *name; /* in the archive: "cgroup/memory.current" */
	const char *path; /* in this machine's file system */
};

typedef VEC(struct cgroup_file) cgroup_files;

/* Appends the files that may exist: the group is named by `text` (/proc/PID/cgroup), its mount
 * point by /proc/self/mountinfo. Strings go to the pool; nothing where no memory controller is. */
void cgroup_find(const struct procfs *procfs, struct span text, struct pool *pool,
				 cgroup_files *files);

/* One group that limits a process: its own, or an ancestor. Any of the files may be missing. */
struct cgroup_level {
	const char *usage, *limit;
	const char *pressure; /* NULL in version 1 */
	bool is_own;
};

typedef VEC(struct cgroup_level) cgroup_levels;

enum { CGROUP_LEVELS = 64 }; /* ancestors beyond that are left out */

/* Appends the process's group and its ancestors up to the mount point, innermost first, as far as
 * this machine's file system shows them. Arguments as of cgroup_find. */
void cgroup_find_levels(const struct procfs *procfs, struct span text, struct pool *pool,
						cgroup_levels *levels);

bool cgroup_read(const struct cgroup_file *file, size_t limit, struct strbuf *out);

#endif
