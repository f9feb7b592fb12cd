/* documents: what /proc and the cgroup files say of the process, kept verbatim for the archive. */
#ifndef DUMPCORE_DOCUMENTS_H
#define DUMPCORE_DOCUMENTS_H

#include "base/err.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>

struct document {
	const char *name; /* in the archive: "smaps", "task/42/comm", "cgroup/memory.max" */
	struct strbuf text;
};

struct documents {
	VEC(struct document) items;
	struct pool pool;
};

/* Reads all that are read while the process runs: smaps (which must be there: it is the list of
 * mappings), limits, cmdline, cgroup, cgroup files, each thread's comm and status. What cannot be
 * read is left out. */
bool documents_read(struct documents *documents, struct procfs *procfs, struct err *err);

/* Reads one more file of the process folder. Where it is there already it is replaced, without
 * allocating if its buffer has the room. */
bool documents_add(struct documents *documents, const struct procfs *procfs, const char *name,
				   struct err *err);

/* The text; an empty span where it is not there. */
struct span documents_find(const struct documents *documents, const char *name);

void documents_deinit(struct documents *documents);

#endif
