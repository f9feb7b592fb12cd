/* freeze: the target stands still while it is read: the simplest consistent snapshot. With
 * --max-pause it goes on when that time is over, and the rest is read while it runs. */
#include "base/fault.h"
#include "dumpcore/copy.h"
#include "dumpcore/describe.h"
#include "dumpcore/snapshot.h"

static void set_deadline(struct snapshot *snapshot)
{
	if (!snapshot->request.most_pause_ns)
		return;
	snapshot->deadline_ns = snapshot->seize.stopped_ns + snapshot->request.most_pause_ns;
	sink_set_deadline(snapshot->sink, snapshot->deadline_ns);
}

bool snapshot_freeze_take(struct snapshot *snapshot, struct err *err)
{
	bool described;

	if (!seize_stop(&snapshot->seize, err))
		return false;
	/* Reading takes long enough for others to want their turn. */
	priority_restore(&snapshot->seize.priority);
	fault_point("freeze.stopped");
	described = describe(snapshot, TORN_NONE, err);
	fault_point("freeze.described");
	set_deadline(snapshot);
	if (described)
		copy_memory(snapshot);
	fault_point("freeze.copied");
	seize_release(&snapshot->seize);
	snapshot->outcome.pause_ns += seize_pause_ns(&snapshot->seize);
	return described;
}
