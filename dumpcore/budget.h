/* budget: fits a plan into --max-size, most valuable memory first.
 *
 * In order: module pages, module data and the vdso; stacks (both are small, hold the roots and make
 * the rest readable); the main heap; what looks like a heap of a malloc arena; other private
 * memory; then files, shared memory and what else was asked for. Among equals the more densely used
 * mapping goes first, then the larger one, then the lower address. */
#ifndef DUMPCORE_BUDGET_H
#define DUMPCORE_BUDGET_H

#include "archive/page_map.h"
#include "dumpcore/plan.h"

#include <stdint.h>

/* Takes away from the selection what passes `most` bytes of memory to be read. Whole items are
 * dropped, and the first one that fits in part only is cut at a page boundary; what is dropped has
 * a reason of its own. Call it once, with the page map and before plan_lay_out. Does not allocate
 * where the plan has room for one more item. */
void budget_apply(struct plan *plan, const struct page_map *map, uint64_t most);

#endif
