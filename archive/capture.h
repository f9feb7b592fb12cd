/* capture: what a capture says of itself, as JSON in the archive: the facts known before the memory
 * is read, and the outcome known after. One file encodes and decodes both, so they cannot drift. */
#ifndef ARCHIVE_CAPTURE_H
#define ARCHIVE_CAPTURE_H

#include "base/err.h"
#include "base/pool.h"
#include "base/span.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* A range that is not in the archive, and why: "not selected: file-backed", "java heap", … */
struct capture_gap {
	struct range range;
	const char *reason; /* owned by whoever made the gap, usually a pool */
};

typedef VEC(struct capture_gap) capture_gaps;

/* Note FORMAT_NOTE_CAPTURE. Strings are not owned. */
struct capture_facts {
	const char *tool;        /* "dumpcore 0.1.0" */
	const char *consistency; /* "precopy", "fork", "freeze", "live": how it was taken */
	const char *requested;   /* the --consistency argument: "auto" or one of these */
	const char *why;         /* this way was taken, and others were not */
	const char *captured_at; /* UTC, "2026-11-21T08:00:00Z" */
	const char *host;        /* nodename */
	const char *kernel;      /* uname release */
	const char *machine;     /* uname machine: "x86_64" */
	const char *comm;
	const char *exe;       /* may be "" where it cannot be read */
	const char *selection; /* the --select argument in force */
	const char *command;   /* the command line that made it */
	uint32_t pid;
	uint32_t page_size;
	capture_gaps gaps; /* what was left out on purpose */
};

/* Note FORMAT_NOTE_OUTCOME. */
struct capture_outcome {
	bool complete;         /* all that was selected was read */
	const char *reason;    /* why not complete; "" where it is */
	int64_t pause_ns;      /* from the first thread stopped to the last released; 0 for live */
	uint64_t memory_bytes; /* bytes of PT_LOAD that hold what was read */
	vaddr torn_from;       /* from this address on memory was read while the process ran; 0: none */
	capture_gaps errors;   /* selected ranges that could not be read */
};

/* Appends the JSON text. */
void capture_facts_encode(const struct capture_facts *facts, struct strbuf *out);
void capture_outcome_encode(const struct capture_outcome *outcome, struct strbuf *out);

/* Reads the JSON text; strings go to the pool, gap arrays are freed with vec_deinit. Unknown
 * members are ignored, missing ones are empty or zero; JSON that does not parse is ERR_FORMAT. */
bool capture_facts_decode(struct span json, struct pool *pool, struct capture_facts *facts,
						  struct err *err);
bool capture_outcome_decode(struct span json, struct pool *pool, struct capture_outcome *outcome,
							struct err *err);

#endif
