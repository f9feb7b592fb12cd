/* byte_pass: the pass of a rule without keywords over every byte of a unit. */
#ifndef ANALYZE_CONTENT_BYTE_PASS_H
#define ANALYZE_CONTENT_BYTE_PASS_H

#include "analyze/content/unit_worker.h"

/* Tries pattern rule `index` at every byte that can start a match. */
void byte_pass(struct unit_worker *worker, uint32_t index);

#endif
