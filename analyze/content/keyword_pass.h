/* keyword_pass: the pass over a unit that finds keywords and tries their rules around them. */
#ifndef ANALYZE_CONTENT_KEYWORD_PASS_H
#define ANALYZE_CONTENT_KEYWORD_PASS_H

#include "analyze/content/unit_worker.h"

/* Gives false where libhs failed. */
bool keyword_pass(struct unit_worker *worker);

#endif
