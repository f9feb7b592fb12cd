/* rotation: how many archives of a program may pile up in a folder. Only files that this program
 * made are ever removed: regular ones of this user whose name is exactly COMM.PID.UTC.core.zst. */
#ifndef DUMPCORE_ROTATION_H
#define DUMPCORE_ROTATION_H

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct rotation {
	unsigned keep;       /* archives; 0: no limit */
	uint64_t keep_bytes; /* their sizes together; 0: no limit */
};

struct rotation_file {
	char *name;
	int64_t seconds; /* of the capture, since the epoch */
	uint64_t bytes;
};

typedef VEC(struct rotation_file) rotation_files;

/* Removes the oldest archives of `comm` in the folder until at most keep - incoming are left, of
 * together at most keep_bytes. The newest stays in any case, and so does the file named `spare`
 * (NULL: none). Appends what it removed. False where the folder cannot be read or a file cannot be
 * removed; the others are removed nevertheless. */
bool rotation_apply(const struct rotation *rotation, const char *folder, const char *comm,
					unsigned incoming, const char *spare, rotation_files *removed, struct err *err);

void rotation_files_deinit(rotation_files *files);

#endif
