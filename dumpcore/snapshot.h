/* snapshot: a capture in progress. The steps, in order:
 *
 *     prepare    reserve and open all that is needed, while the target runs
 *     (stop)     freeze only
 *     describe   page map, plan, notes, written to the front of the archive
 *     copy       the memory
 *     (release)  freeze only
 *     finish     trailer, name
 *
 * One file for each way to be consistent implements `take`; the table names them. */
#ifndef DUMPCORE_SNAPSHOT_H
#define DUMPCORE_SNAPSHOT_H

#include "archive/capture.h"
#include "archive/page_map.h"
#include "archive/sink.h"
#include "archive/writer.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "dumpcore/choice.h"
#include "dumpcore/output.h"
#include "dumpcore/pages.h"
#include "dumpcore/plan.h"
#include "dumpcore/read.h"
#include "dumpcore/seize.h"
#include "dumpcore/target.h"
#include "dumpcore/threads.h"

#include <stdbool.h>
#include <stdint.h>

/* Most memory for what waits to be written, and the compressors. */
enum { SNAPSHOT_SINK_BYTES = 40 << 20 };

struct snapshot;

struct snapshot_method {
	const char *name; /* of --consistency, and in the archive */
	bool stops;       /* the target stands still from describe to the end of copy */
	/* describe and copy, with what must stand around them. False where nothing worth keeping was
	 * written; a target that went away half way is no failure (snapshot.broken says it). */
	bool (*take)(struct snapshot *snapshot, struct err *err);
};

/* NULL where there is none of that name. */
const struct snapshot_method *snapshot_method(const char *name);

/* What the caller decides. */
struct snapshot_request {
	const struct snapshot_method *method;
	const struct choice *choice; /* not owned; has learned the target's mappings */
	const char *selection_text;
	const char *command;   /* the command line, for the archive and for hints */
	uint64_t reserve_disk; /* bytes, or DISK_RESERVE_DEFAULT */
	bool compress;
	int level;
};

struct snapshot {
	struct snapshot_request request;
	struct target *target; /* not owned */
	struct output *output; /* not owned */
	struct progress *progress;

	struct seize seize;
	struct registers_processor processor;
	struct pages pages;
	pages_ranges ranges;
	struct page_map map;
	struct reader reader;
	struct plan plan;
	struct pool pool; /* paths of `now` */
	mappings now;     /* as they are at the capture; counts and flags as smaps had them before */
	struct strbuf maps, auxv, standard, facts;
	stack_pointers stacks;
	char captured_at[32];
	struct sink *sink;
	struct writer writer;
	const char *broken; /* why the copy ended early; NULL where it did not */
	struct capture_outcome outcome;
};

/* Takes the snapshot: everything from prepare to finish. True also for a partial archive, which
 * snapshot->outcome tells. The caller ends with snapshot_deinit in every case. */
bool snapshot_run(struct snapshot *snapshot, const struct snapshot_request *request,
				  struct target *target, struct output *output, struct progress *progress,
				  struct err *err);
void snapshot_deinit(struct snapshot *snapshot);

/* The ways, each in its own file. */
bool snapshot_live_take(struct snapshot *snapshot, struct err *err);
bool snapshot_freeze_take(struct snapshot *snapshot, struct err *err);

#endif
