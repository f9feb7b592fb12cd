/* read: copies the target's memory, page by page where it must. What cannot be read is recorded,
 * never silently zero.
 *
 * Always through /proc/PID/mem: process_vm_readv(2) pins pages, and pinning a page that two
 * processes share copy-on-write gives each its own (mm/gup.c, gup_must_unshare): it would double
 * the memory of a snapshot, and of every worker that a server forked. */
#ifndef DUMPCORE_READ_H
#define DUMPCORE_READ_H

#include "archive/capture.h"
#include "base/err.h"
#include "base/vaddr.h"
#include "base/vec.h"
#include "dumpcore/procfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A range that is not read from `memory`. */
struct reader_part {
	struct range range;
	const uint8_t *kept; /* copied before; NULL: to be read from `other` */
};

struct reader {
	int memory; /* /proc/PID/mem: bound to the address space, so it notices an exec */
	int other;  /* the same of another process, for some parts; -1: none; not owned */
	uint32_t page_size;
	VEC(struct reader_part) parts; /* ascending */
	uint64_t bytes;                /* read so far */
	capture_gaps errors;           /* reasons are string constants */
};

/* The reason of an error in a part that had to be read from `other`, and was gone by then. */
extern const char reader_went[];

/* Most entries in `errors`; later ones widen the last. They must fit the archive's trailer. */
enum { READER_ERRORS = 1024 };

/* The caller ends with reader_close in every case. */
bool reader_open(struct reader *reader, const struct procfs *procfs, struct err *err);
void reader_close(struct reader *reader);

/* From now on memory is that of another process, a snapshot child's; what was open becomes `other`.
 * The caller keeps and closes `other`. */
bool reader_switch(struct reader *reader, const struct procfs *procfs, struct err *err);

/* Fills `to` with the whole pages at `address`; unreadable ones with zeros and an entry in errors.
 * False where the address space is gone: the process ended, or replaced its program. */
bool reader_fill(struct reader *reader, vaddr address, uint8_t *to, size_t size);

/* Records that a range could not be read. Does not allocate. */
void reader_add_error(struct reader *reader, struct range range, const char *reason);

#endif
