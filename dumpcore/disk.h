/* disk: what the file system of an archive has free, and what an archive must leave of it. */
#ifndef DUMPCORE_DISK_H
#define DUMPCORE_DISK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes; `free` is what this user may take. */
struct disk {
	uint64_t total;
	uint64_t free;
};

/* --reserve-disk not given. */
#define DISK_RESERVE_DEFAULT UINT64_MAX

/* False where it cannot be told: a stream, or a file system without a limit. */
bool disk_of_file(int fd, struct disk *disk);
bool disk_of_folder(const char *path, struct disk *disk);

/* Bytes to stay free: what was asked for, by default 1 GiB or 5 % of the file system, whichever is
 * less. */
uint64_t disk_reserve(const struct disk *disk, uint64_t asked);

/* What an archive is going to take of a disk. */
struct disk_need {
	uint64_t bytes;
	bool is_estimate; /* of a compressed archive; not held against a disk without a reserve */
	uint64_t reserve; /* as disk_reserve gives it */
};

bool disk_fits(const struct disk *disk, const struct disk_need *need);

/* The same; where it does not fit ERR_NO_SPACE, with `path` and what to do. */
bool disk_check(const struct disk *disk, const struct disk_need *need, const char *path,
				struct err *err);

#endif
