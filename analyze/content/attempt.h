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

/* Tries a pattern rule at one address, where that is not decided yet. False: the rule is looked for
 * no more in this unit. */
bool attempt_pattern(struct unit_worker *worker, uint32_t index, const struct view *view, vaddr at);

/* Tries a pattern rule at every address of `starts` that is not decided yet; what a given-up rule
 * leaves over counts as one undecided place. Addresses of one rule come in ascending order. */
void attempt_patterns(struct unit_worker *worker, uint32_t index, const struct view *view,
					  struct range starts);

/* Around some attempts of one rule: times those that are samples, and charges the rule. */
int64_t attempt_begin(struct unit_worker *worker);
void attempt_end(struct unit_worker *worker, uint32_t index, int64_t before);

/* Tries a structure rule at one address. */
void attempt_structure(struct unit_worker *worker, uint32_t index, const struct view *view,
					   vaddr at);

#endif
