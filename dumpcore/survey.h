/* survey: what a process's memory is made of, and what a capture of it would take. Nothing of the
 * process is read or stopped: the numbers are those of forecast.h. */
#ifndef DUMPCORE_SURVEY_H
#define DUMPCORE_SURVEY_H

#include "base/strbuf.h"
#include "dumpcore/choice.h"
#include "dumpcore/disk.h"
#include "dumpcore/outlook.h"
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
	uint64_t selected_bytes; /* that a capture reads */
};

struct survey {
	/* Set by the caller. */
	const char *selection;
	const char *consistency;
	uint64_t reserve_disk;    /* bytes, or DISK_RESERVE_DEFAULT */
	int64_t most_pause_ns;    /* --max-pause; 0: not given */
	const char *spool_folder; /* where a pre-copy would spool; NULL: nowhere */
	bool spool_asked;

	pid_t pid;
	const char *comm; /* the target's */
	const char *exe;
	size_t threads;
	struct survey_row rows[PLAN_KINDS];
	struct survey_row total;
	bool is_exact;          /* the numbers are of the page map, else estimates from smaps */
	uint64_t file_bytes;    /* size of the plain archive, holes included */
	uint64_t plain_bytes;   /* that it takes on a disk */
	uint64_t zstd_bytes[2]; /* that a compressed one may take, at least and at most */
	uint64_t own_bytes;     /* of memory that dumpcore may use */
	uint64_t private_bytes; /* resident and private: what a fork of the target may copy at worst */
	struct outlook outlook; /* the ways to be consistent */
	bool may_read;          /* the kernel lets this program read the memory */
	bool may_capture;       /* and trace the process */
	char refusal[1536];     /* else why, and what to do */
	struct disk disk;       /* where the archive would go; zeros: not known */
	const char *disk_path;
	uint64_t disk_reserve;         /* bytes of it that stay free */
	bool plain_fits, zstd_may_fit; /* beside the reserve */
};

/* `folder` is where the archive would be written. */
void survey_make(struct survey *survey, struct target *target, const struct choice *choice,
				 const char *folder, const char *command);

/* Appends the survey for people, and as one JSON object. */
void survey_text(const struct survey *survey, struct strbuf *out);
void survey_json(const struct survey *survey, struct strbuf *out);

#endif
