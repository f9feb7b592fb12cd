/* live: the target runs all the time. What it writes meanwhile may be torn; the page map says of
 * which pages that is so. */
#include "dumpcore/copy.h"
#include "dumpcore/describe.h"
#include "dumpcore/snapshot.h"

bool snapshot_live_take(struct snapshot *snapshot, struct err *err)
{
	if (!describe(snapshot, TORN_WRITABLE, err))
		return false;
	copy_memory(snapshot);
	return true;
}
