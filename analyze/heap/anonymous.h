/* anonymous: stretches of anonymous writable memory, as the kernel may have merged or split them. A
 * mapping that malloc made lies inside one. */
#ifndef ANALYZE_HEAP_ANONYMOUS_H
#define ANALYZE_HEAP_ANONYMOUS_H

#include "analyze/memory/regions.h"
#include "base/vec.h"

typedef VEC(struct range) anonymous_runs;

/* The anonymous writable runs by ascending address; neighbours are one. Thread stacks count: the
 * kernel merges them with what malloc mapped beside them. */
void anonymous_find(const struct regions *regions, anonymous_runs *runs);

/* Cuts a range out of the runs. */
void anonymous_remove(anonymous_runs *runs, struct range range);

#endif
