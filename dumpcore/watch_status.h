/* watch_status: what a watch says on stderr. */
#ifndef DUMPCORE_WATCH_STATUS_H
#define DUMPCORE_WATCH_STATUS_H

#include "base/strbuf.h"
#include "dumpcore/rotation.h"
#include "dumpcore/status.h"
#include "dumpcore/trigger.h"
#include "dumpcore/watch.h"

/* The beginning, with the first reading. */
void watch_status_watching(const struct status *status, pid_t pid, const char *comm,
						   const struct watch_settings *settings, const struct triggers *triggers);

void watch_status_triggered(const struct status *status, const struct triggers *triggers,
							enum trigger_kind kind);
void watch_status_removed(const struct status *status, const struct rotation_file *file);

/* The end of a watch that kept something: `why` is "process 42 (app) has ended". */
void watch_status_ended(const struct status *status, const char *why,
						const struct watch_result *result);

/* Appends the line that a terminal shows between readings, of at most 79 columns. */
void watch_status_line(const char *comm, pid_t pid, const struct triggers *triggers, int64_t now_ns,
					   struct strbuf *out);

#endif
