/* spool: an unlinked file that takes a snapshot whose output cannot be written again (a stream, or
 * a compressed file), and is then sent there from its first byte to its last. */
#ifndef DUMPCORE_SPOOL_H
#define DUMPCORE_SPOOL_H

#include "archive/sink.h"
#include "base/err.h"
#include "base/progress.h"
#include "dumpcore/output.h"

#include <stdbool.h>
#include <stdint.h>

/* The folder for a spool: `asked`, where the user named one; else the output's own, else TMPDIR or
 * /var/tmp. Gives `text`. */
const char *spool_folder(const char *asked, const struct output *output, char *text, size_t size);

/* Can `bytes` be spooled there? A folder in memory is refused where nobody asked for it: the
 * snapshot would take as much memory again. */
bool spool_check(const char *folder, bool asked, uint64_t bytes, struct err *err);

/* Opens an unlinked file; -1 with an error. */
int spool_open(const char *folder, struct err *err);

/* Sends the whole file through a sink, holes as holes. Failures are the sink's. */
void spool_send(int fd, struct sink *sink, struct progress *progress);

#endif
