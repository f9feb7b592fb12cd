/* copy: the target's memory into the archive, segment by segment, as the page map says. */
#ifndef DUMPCORE_COPY_H
#define DUMPCORE_COPY_H

#include "dumpcore/snapshot.h"

/* Copies all segments. Ends early, with snapshot->broken saying why and what was not reached
 * recorded as errors, where the target is gone or a signal asked for it; and where the output
 * failed (sink_ok is false then). Does not allocate. */
void copy_memory(struct snapshot *snapshot);

#endif
