/* explain_near: what in a chunk is like a keyword that does not stand there. */
#ifndef ANALYZE_AUTHOR_EXPLAIN_NEAR_H
#define ANALYZE_AUTHOR_EXPLAIN_NEAR_H

#include "analyze/author/explain.h"
#include "base/span.h"

#include <stdint.h>

/* Adds, for each keyword of the rule that was not found, the likest place in the bytes, of which
 * the first stands at offset `first`. Looks at the first MiB only. */
void explain_near_add(struct explain *explain, struct span bytes, uint64_t first);

#endif
