/* byte_pass: the pass of rules without keywords over every byte of a unit. */
#ifndef ANALYZE_CONTENT_BYTE_PASS_H
#define ANALYZE_CONTENT_BYTE_PASS_H

#include "analyze/content/unit_worker.h"

/* Tries the rules at every byte that can start a match. */
void byte_pass(struct unit_worker *worker, const struct byte_rules *rules);

#endif
