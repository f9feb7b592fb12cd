/* session: one capture, from the choice of a way to the archive's name.
 *
 * `auto` takes the way with the shortest pause of those that can be gone here (outlook.h). Where a
 * way finds on its way that it does not suit the target, or the kernel refuses it, the next one is
 * tried; the archive says which was taken and why. */
#ifndef DUMPCORE_SESSION_H
#define DUMPCORE_SESSION_H

#include "base/err.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "dumpcore/choice.h"
#include "dumpcore/output.h"
#include "dumpcore/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_AUTO "auto"

/* What the caller decides. */
struct session_request {
	const char *consistency; /* SESSION_AUTO or a method's name */
	const struct choice *choice;
	const char *selection_text;
	const char *command;   /* the command line, for the archive and for hints */
	const char *spool;     /* --spool; NULL: not given */
	uint64_t reserve_disk; /* bytes to stay free on the output's disk, or DISK_RESERVE_DEFAULT */
	int64_t most_pause_ns; /* --max-pause; 0: not given */
	bool compress;
	int level;
};

struct session_result {
	const char *consistency; /* how it was taken */
	struct strbuf why;
	struct strbuf reason; /* why it is not complete */
	bool complete;
	uint64_t memory_bytes, stored_bytes;
	int64_t pause_ns;
	size_t unstopped; /* threads that did not stop */
};

/* True also for a partial archive, which the result tells. The caller ends with
 * session_result_deinit in every case. */
bool session_run(struct session_result *result, const struct session_request *request,
				 struct target *target, struct output *output, struct progress *progress,
				 struct err *err);
void session_result_deinit(struct session_result *result);

#endif
