/* spool: an unlinked temporary file that is written at any offset and then mapped. Blocks of zeros
 * are not written, so that they stay holes. */
#ifndef ANALYZE_INPUT_SPOOL_H
#define ANALYZE_INPUT_SPOOL_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Opens one in $TMPDIR, else /var/tmp, else /tmp. Gives its descriptor, or -1 and the error. */
int spool_open(struct err *err);

/* Writes the bytes at the offset. May be called by several threads. On failure gives false and
 * leaves errno. */
bool spool_write(int fd, struct span bytes, uint64_t offset);

/* Sets the size and maps the file for reading; the caller unmaps it with munmap. Size 0 gives an
 * empty span. */
bool spool_map(int fd, uint64_t size, struct span *bytes, struct err *err);

/* Records what to do where writing failed with errno `sys`. Gives false. */
bool spool_failed(int sys, struct err *err);

#endif
