/* survey: what a process's memory is made of, and what a capture of it would take. Computed from
 * what target_open read; nothing of the process is touched. */
#ifndef DUMPCORE_SURVEY_H
#define DUMPCORE_SURVEY_H

#include "base/strbuf.h"
#include "dumpcore/choice.h"
#include "dumpcore/plan.h"
#include "dumpcore/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct survey_row {
	enum plan_kind kind;
	size_t mappings;
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
	uint64_t selected_bytes; /* resident bytes that a capture reads */
};

struct survey {
	pid_t pid;
	const char *comm; /* the target's */
	const char *exe;
	const char *selection;
	const char *consistency;
	bool stops; /* the target stands still while it is captured */
	size_t threads;
	struct survey_row rows[PLAN_KINDS];
	struct survey_row total;
	bool may_capture;   /* the kernel lets this program read the memory */
	char refusal[1536]; /* else why, and what to do */
	uint64_t disk_free; /* where the archive would go; 0: not known */
	const char *disk_path;
};

/* `folder` is where the archive would be written. */
void survey_make(struct survey *survey, const struct target *target, const struct choice *choice,
				 const char *folder, const char *command);

/* Appends the survey for people, and as one JSON object. */
void survey_text(const struct survey *survey, struct strbuf *out);
void survey_json(const struct survey *survey, struct strbuf *out);

#endif
