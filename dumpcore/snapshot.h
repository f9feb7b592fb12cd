/* snapshot: a capture in progress. The steps, in order:
 *
 *     prepare    reserve and open all that is needed, while the target runs
 *     take       one file for each way to be consistent: describe and copy, with the stop where
 *                that way has it
 *     finish     trailer, name
 */
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
#include "dumpcore/guard.h"
#include "dumpcore/headroom.h"
#include "dumpcore/kept.h"
#include "dumpcore/output.h"
#include "dumpcore/pages.h"
#include "dumpcore/plan.h"
#include "dumpcore/read.h"
#include "dumpcore/replica.h"
#include "dumpcore/seize.h"
#include "dumpcore/target.h"
#include "dumpcore/threads.h"
#include "dumpcore/track.h"

#include <stdbool.h>
#include <stdint.h>

/* Most memory for what waits to be written, and the compressors. */
enum { SNAPSHOT_SINK_BYTES = 40 << 20 };

struct snapshot;

struct snapshot_method {
	const char *name; /* of --consistency, and in the archive */
	bool stops;       /* the target stands still for a while */
	bool injects;     /* a thread of the target makes system calls for it */
	bool rewrites;    /* its file must be there to be written again */
	bool hurries; /* the target stands still while it writes: better to a file than to a reader */
	void (*reserve)(struct snapshot *snapshot); /* before the stop; NULL: nothing more to reserve */
	/* False where nothing worth keeping was written; a target that went away half way is no failure
	 * (snapshot.broken says it). */
	bool (*take)(struct snapshot *snapshot, struct err *err);
};

/* NULL where there is none of that name, or behind the last one. */
const struct snapshot_method *snapshot_method(const char *name);
const struct snapshot_method *snapshot_method_at(size_t index);

/* What the caller decides. */
struct snapshot_request {
	const struct snapshot_method *method;
	const struct choice *choice; /* not owned; has learned the target's mappings */
	const char *selection_text;
	const char *command;   /* the command line, for the archive and for hints */
	uint64_t reserve_disk; /* bytes, or DISK_RESERVE_DEFAULT */
	bool compress;
	int level;
	int64_t most_pause_ns; /* 0: any */
	const char *spool; /* folder to spool in where the method rewrites and the output cannot be */
	bool spool_asked;  /* the user named that folder */
	const char *requested;  /* what --consistency said, for the archive */
	const char *why;        /* this method was taken, for the archive */
	int64_t spent_pause_ns; /* of attempts before this one */
	bool may_give_up;       /* another way is tried then: better than a partial archive */
	bool other_stops;       /* one that stops the target too is tried where this one fails */
};

/* What a pre-copy knows beside the rest: where in the file the bytes of before the stop are, and
 * what was written since. */
struct precopy {
	struct track track;
	struct page_map before;  /* before the copy */
	plan_segments slots;     /* in the file, ascending addresses */
	track_ranges written;    /* and not copied since */
	pages_ranges ask;        /* the same as a question for pages_scan */
	struct page_map changed; /* what is there now of what was written */
	uint8_t *held;           /* these pages, one behind the other, copied in the stop */
	size_t held_bytes;
	plan_segments placed;     /* the archive's segments, with their places in the file */
	int64_t maps_ns, scan_ns; /* how long the parts of the stop took while the target ran */
};

struct snapshot {
	struct snapshot_request request;
	struct target *target; /* not owned */
	struct output *output; /* not owned */
	struct progress *progress;

	struct seize seize;
	struct inject_site site;
	bool through_seccomp; /* injected calls must pass by the target's filter */
	struct replica replica;
	struct headroom headroom;
	struct guard guard;
	struct kept kept;
	struct precopy precopy;
	bool unsuited; /* the way failed for what it found of the target: another may do */
	struct registers_processor processor;
	struct pages pages;
	pages_ranges ranges;
	struct page_map map;
	struct reader reader;
	struct plan plan;
	struct pool pool; /* paths of `now` */
	mappings now;     /* as they are at the capture; counts and flags as smaps had them before */
	struct strbuf maps, auxv, standard, facts;
	size_t described; /* bytes of `standard` that describe_settle decides about */
	stack_pointers stacks;
	char captured_at[32];
	int spool; /* -1: the sink writes to the output itself */
	struct sink *sink;
	struct writer writer;
	const char *consistency; /* for the archive: the method's name, or what became of it */
	int64_t deadline_ns;     /* of the stop, on the monotonic clock; 0: none */
	const char *broken;      /* why the copy ended early; NULL where it did not */
	struct capture_outcome outcome;
	uint64_t stored_bytes; /* that the output took */
};

/* A snapshot that nothing was done for yet: snapshot_deinit may be called. */
struct snapshot snapshot_none(void);

/* Takes the snapshot: everything from prepare to finish. True also for a partial archive, which
 * snapshot->outcome tells. The caller ends with snapshot_deinit in every case. */
bool snapshot_run(struct snapshot *snapshot, const struct snapshot_request *request,
				  struct target *target, struct output *output, struct progress *progress,
				  struct err *err);
void snapshot_deinit(struct snapshot *snapshot);

/* The ways, each in its own file. */
bool snapshot_live_take(struct snapshot *snapshot, struct err *err);
bool snapshot_freeze_take(struct snapshot *snapshot, struct err *err);
bool snapshot_fork_take(struct snapshot *snapshot, struct err *err);
void snapshot_fork_reserve(struct snapshot *snapshot);
bool snapshot_precopy_take(struct snapshot *snapshot, struct err *err);
void snapshot_precopy_reserve(struct snapshot *snapshot);
void snapshot_precopy_deinit(struct snapshot *snapshot);

#endif
