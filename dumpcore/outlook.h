/* outlook: which ways of taking a snapshot can be gone here, and what each would do to the target:
 * how long it would stand still, and what memory it would cost it. Asked before anything is done to
 * the target. The pauses are forecasts from sizes and from speeds that were measured on one machine
 * (see the costs in outlook.c); the archive has the pause that was measured. */
#ifndef DUMPCORE_OUTLOOK_H
#define DUMPCORE_OUTLOOK_H

#include "dumpcore/choice.h"
#include "dumpcore/snapshot.h"
#include "dumpcore/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outlook_way {
	const struct snapshot_method *method;
	bool usable;
	char why_not[768];     /* "" where it is usable */
	int64_t pause_ns;      /* how long the target would stand still */
	uint64_t memory_bytes; /* that it may cost the target's control group, at worst */
};

enum { OUTLOOK_WAYS = 8 };

struct outlook {
	struct outlook_way ways[OUTLOOK_WAYS]; /* best first: usable, then the shorter pause */
	size_t count;
};

struct outlook_request {
	const struct choice *choice;
	bool may_read;            /* the kernel lets this program read the target's memory */
	uint64_t selected_bytes;  /* of memory that would be read */
	uint64_t file_bytes;      /* of the plain archive */
	const char *spool_folder; /* where a pre-copy would spool; NULL: it writes to its output */
	bool spool_asked;         /* the user named that folder */
	int64_t most_pause_ns;    /* a way that would stop for longer is not usable; 0: any may */
};

/* In every case the way that does not stop the target comes last, whatever its pause. */
void outlook_make(struct outlook *outlook, struct target *target,
				  const struct outlook_request *request);

/* The way of that name, NULL where there is none. */
const struct outlook_way *outlook_find(const struct outlook *outlook, const char *name);

#endif
