/* precopy_finish: makes an archive of what a pre-copy has: bytes in their slots in the file, pages
 * that were held in the stop, and a page map of before.
 *
 * Pages that were written are replaced in their slots, pages that went are zeroed there, pages that
 * were not there before are appended behind; then come the headers (writer.h). */
#ifndef DUMPCORE_PRECOPY_FINISH_H
#define DUMPCORE_PRECOPY_FINISH_H

#include "dumpcore/plan.h"
#include "dumpcore/snapshot.h"

#include <stdbool.h>

/* Is what is written there told by the kernel: private memory that is captured whole? */
bool precopy_is_tracked(const struct plan_item *item);

/* Gives the tracking back and writes all but the trailer. */
void precopy_finish(struct snapshot *snapshot);

/* The same where the target ended, or the copy was interrupted, before the stop: what was copied
 * until then, as it was described before. It is no snapshot of one instant. */
void precopy_finish_partial(struct snapshot *snapshot);

#endif
