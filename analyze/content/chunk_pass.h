/* chunk_pass: the pass over a unit's chunks, for structures and for patterns that stand at the
 * start of a chunk. */
#ifndef ANALYZE_CONTENT_CHUNK_PASS_H
#define ANALYZE_CONTENT_CHUNK_PASS_H

#include "analyze/content/unit_worker.h"

/* Tries the plan's chunk rules at each chunk they look into. */
void chunk_pass(struct unit_worker *worker);

#endif
