/* read: copies the target's memory, page by page where it must. What cannot be read is recorded,
 * never silently zero. */
#ifndef DUMPCORE_READ_H
#define DUMPCORE_READ_H

#include "archive/capture.h"
#include "base/err.h"
#include "base/vaddr.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct reader {
	pid_t pid;
	int memory; /* /proc/PID/mem: bound to the address space, so it notices an exec */
	uint32_t page_size;
	bool is_live;        /* the target runs: after each read ask whether it is still the same */
	uint64_t bytes;      /* read so far */
	capture_gaps errors; /* reasons are string constants */
};

/* Most entries in `errors`; later ones widen the last. They must fit the archive's trailer. */
enum { READER_ERRORS = 1024 };

/* The caller ends with reader_close in every case. */
bool reader_open(struct reader *reader, const struct procfs *procfs, bool is_live, struct err *err);
void reader_close(struct reader *reader);

/* Fills `to` with the whole pages at `address`; unreadable ones with zeros and an entry in errors.
 * False where the address space is gone: the process ended, or replaced its program. */
bool reader_fill(struct reader *reader, vaddr address, uint8_t *to, size_t size);

/* Records that a range could not be read. Does not allocate. */
void reader_add_error(struct reader *reader, struct range range, const char *reason);

#endif
