/* keyword_search: the keywords that a scan looks for. At first those of all rules; those that only
 * rules that were given up have are left out, once they were met so often that it pays: libhs
 * compiles a set anew in about 10 ms, and reports half a million keywords in that time. No result
 * depends on when that is done, as nothing of a rule counts behind the unit that ended it. */
#ifndef ANALYZE_CONTENT_KEYWORD_SEARCH_H
#define ANALYZE_CONTENT_KEYWORD_SEARCH_H

#include "analyze/rules/prefilter.h"
#include "analyze/rules/rule.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Keywords met in vain that are as dear as a new set. */
enum { KEYWORD_SEARCH_PATIENCE = 1 << 19 };

struct keyword_search;

/* `applies` and `given_up` are per rule of the set; all three must outlive the search. `patience`:
 * keywords that are met in vain before a set without them is made. Ends with
 * keyword_search_destroy. */
struct keyword_search *keyword_search_create(const struct rule_set *rules, const bool *applies,
											 const atomic_bool *given_up, uint64_t patience);
void keyword_search_destroy(struct keyword_search *search);

/* The literals to look for now, by their numbers in the rule set, until keyword_search_destroy.
 * `vain` keywords were met since the caller last asked of which no rule was looked for any more.
 * May be called by several threads at once. Where libhs refuses a new set the old one stays. */
const struct prefilter *keyword_search_now(struct keyword_search *search, uint64_t vain);

#endif
