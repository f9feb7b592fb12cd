/* attempt: tries one rule at places of one chunk, within the rule's budget, and adds what matches
 * to the unit's hits. Which places are tried is the passes' business. */
#ifndef ANALYZE_CONTENT_ATTEMPT_H
#define ANALYZE_CONTENT_ATTEMPT_H

#include "analyze/content/unit_worker.h"

/* Does the rule look into such a chunk? */
bool attempt_wants(const struct rule *rule, const struct chunk *chunk);

/* The part of the chunk where a match may start in this unit. */
struct range attempt_starts(const struct unit_worker *worker, const struct rule *rule,
							const struct view *view);

/* Tries a pattern rule at every address of `starts` that is not decided yet. Addresses of one rule
 * come in ascending order. */
void attempt_patterns(struct unit_worker *worker, uint32_t index, const struct view *view,
					  struct range starts);

/* Tries a structure rule at one address. */
void attempt_structure(struct unit_worker *worker, uint32_t index, const struct view *view,
					   vaddr at);

#endif
