/* streams: looks into compressed streams and windows, when all hits of the heap are known: in
 * address order, several at a time, until a budget is spent. */
#ifndef ANALYZE_CONTENT_STREAMS_H
#define ANALYZE_CONTENT_STREAMS_H

#include "analyze/content/findings.h"
#include "analyze/content/join.h"
#include "analyze/content/unit_scan.h"
#include "base/err.h"
#include "base/progress.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes read and inflated of all streams together, and to prove those in them; each may use up to
 * LOOK_COST of it (look.h). */
#define STREAMS_BUDGET (UINT64_C(1) << 30)

/* Looks into the join's sources, adds what is found to the findings and names the hits of windows.
 * A source is begun as long as the budget is not spent by those before it; what is left is counted
 * with its rule, so that the result is the same for any number of workers. So is what strikes end:
 * a rule that has used them up is sought no more in the batches behind. `heap` are the tables of
 * the heap's scan. To be called before join_finish. False where a library refused. */
bool streams_run(struct findings *findings, struct join *join, const struct unit_tables *heap,
				 uint64_t budget, unsigned workers, struct progress *progress, struct err *err);

#endif
