/* capture_run: a capture of a test's child into a temporary file, and what a reader finds there. */
#ifndef TESTS_SUPPORT_CAPTURE_RUN_H
#define TESTS_SUPPORT_CAPTURE_RUN_H

#include "archive/page_map.h"
#include "base/err.h"
#include "base/span.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "dumpcore/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct capture_run {
	struct choice choice;
	struct target target;
	struct output output;
	struct snapshot snapshot; /* filled while the capture runs: fault points may look at it */
	struct progress progress;
	struct strbuf file; /* the archive; empty where none was kept */
	struct err err;
	bool taken;
};

/* Captures with that method, plain, into a file that is read and removed again. A test that wants
 * more than the default selection changes run->choice before. Ends with capture_run_deinit. */
void capture_run(struct capture_run *run, pid_t pid, const struct snapshot_method *method,
				 int64_t most_pause_ns);
void capture_run_deinit(struct capture_run *run);

/* The captured byte at the address, -1 where it is in no PT_LOAD. */
int capture_run_byte(const struct capture_run *run, vaddr address);

/* How many notes of that type there are, and the description of the last one. */
size_t capture_run_notes(const struct capture_run *run, uint32_t type, struct span *found);

/* The text of the archive's document of that name; false where there is not exactly one. */
bool capture_run_document(const struct capture_run *run, const char *name, struct span *text);

/* The state of a page in the archive's page map; PAGE_STATES where it is in no run. */
enum page_state capture_run_state(const struct capture_run *run, vaddr address);

#endif
