/* suspects: what holds so much that somebody should look at it: a rule, a size class, an arena, a
 * region. */
#ifndef ANALYZE_ATTRIBUTE_SUSPECTS_H
#define ANALYZE_ATTRIBUTE_SUSPECTS_H

#include "analyze/heap/heap.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"

/* Adds rows to report->suspects, most bytes first, at most SUSPECTS_MAX. The report's memory, heap
 * and content must be there. A suspect holds at least a tenth of the RSS (of the virtual bytes of
 * malloc where residency is unknown); anonymous regions count where the heap does not own them. */
enum { SUSPECTS_MAX = 12 };
void suspects_fill(struct report *report, const struct regions *regions, const struct heap *heap);

#endif
