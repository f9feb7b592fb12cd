/* stacks: the stack of each thread, with its name and how much of it is resident. */
#ifndef ANALYZE_ATTRIBUTE_STACKS_H
#define ANALYZE_ATTRIBUTE_STACKS_H

#include "analyze/input/core.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"

/* Fills memory->stacks from the regions that are stacks, most resident bytes first. Without a page
 * map resident bytes are 0. Names go to the pool. */
void stacks_fill(struct report_memory *memory, const struct core *core,
				 const struct regions *regions, struct pool *pool);

#endif
