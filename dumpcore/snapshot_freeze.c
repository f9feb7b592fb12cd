/* freeze: the target stands still while it is read: the simplest consistent snapshot. */
#include "dumpcore/copy.h"
#include "dumpcore/describe.h"
#include "dumpcore/snapshot.h"

bool snapshot_freeze_take(struct snapshot *snapshot, struct err *err)
{
	bool described;

	if (!seize_stop(&snapshot->seize, err))
		return false;
	described = describe(snapshot, TORN_NONE, err);
	if (described)
		copy_memory(snapshot);
	seize_release(&snapshot->seize);
	snapshot->outcome.pause_ns += seize_pause_ns(&snapshot->seize);
	return described;
}
