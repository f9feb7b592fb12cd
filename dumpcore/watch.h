/* watch: looks at a process until a trigger fires, captures it, rests, and goes on. */
#ifndef DUMPCORE_WATCH_H
#define DUMPCORE_WATCH_H

#include "base/err.h"
#include "dumpcore/rotation.h"
#include "dumpcore/status.h"
#include "dumpcore/trigger.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { WATCH_FAILURES = 3 }; /* so many in a row end a watch */

/* What the options of a watch say. */
struct watch_settings {
	struct trigger_limits limits;
	int64_t interval_ns; /* between two readings */
	int64_t cooldown_ns; /* after a capture, until another one may begin */
	unsigned count;      /* archives to keep until the watch ends */
	struct rotation rotation;
};

enum watch_capture { WATCH_COMPLETE, WATCH_PARTIAL, WATCH_FAILED };

/* What a watch does to the world; tests give it another world. */
struct watch_hooks {
	void *context;
	/* Captures the process to PATH, once, if it is still the one that started at `started` (clock
	 * ticks after boot). Fills err where it failed. */
	enum watch_capture (*capture)(void *context, const char *path, uint64_t started,
								  struct err *err);
	int64_t (*now_ns)(void *context);  /* a clock that only goes forward */
	int64_t (*seconds)(void *context); /* since the epoch, for names */
	/* Waits; false where a signal asks for the end. */
	bool (*wait)(void *context, int64_t ns);
};

struct watch_request {
	const char *root; /* PROCFS_ROOT */
	pid_t pid;
	const char *folder;  /* of the archives */
	const char *command; /* for the sudo line */
	const struct watch_settings *settings;
	const struct status *status;
	bool forced_line; /* the live line also where stderr is no terminal */
};

/* What was kept. */
struct watch_result {
	unsigned complete, partial;
};

/* Watches until `count` archives are kept, the process ends, a signal comes or WATCH_FAILURES
 * captures in a row failed. False, with err, where it could not begin, where captures kept failing,
 * and where it ended with nothing kept. */
bool watch_run(const struct watch_request *request, const struct watch_hooks *hooks,
			   struct watch_result *result, struct err *err);

#endif
