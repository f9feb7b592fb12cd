/* join: puts the units' hits together in address order: drops matches of a rule that overlap an
 * earlier one of the same rule, numbers groups and hidden values, cuts extents to their chunks.
 * What leaves here is redacted. */
#ifndef ANALYZE_CONTENT_JOIN_H
#define ANALYZE_CONTENT_JOIN_H

#include "analyze/content/findings.h"
#include "analyze/rules/rule.h"
#include "analyze/content/unit_scan.h"

#include <stdatomic.h>

struct join;
struct source; /* analyze/content/source.h */

/* Hits a scan keeps, at 48 bytes each: more than any heap of real content was seen to hold. */
enum { JOIN_HITS = 1 << 24 };

/* Places of one rule at which the match limit may run out in a scan of few units, or more of them
 * that took a part of it in vain (confirm_strain). They are counted in address order, so that
 * threads do not decide which units are left over behind the last. */
enum { JOIN_STRIKES = 64 };

/* Hits beyond are undecided, and what lies behind the last strike is not searched for that rule. */
struct join_limits {
	size_t hits;      /* of all rules */
	uint64_t strikes; /* of one rule */
};

/* Fills findings->rules from the rules that apply, and sets given_up (per rule) where one has used
 * up its strikes; all four must outlive the join. Ends with join_destroy. */
struct join *join_create(const struct rule_set *rules, const bool *applies,
						 struct join_limits limits, atomic_bool *given_up,
						 struct findings *findings);
void join_destroy(struct join *join);

/* Takes the next unit, by address. */
void join_unit(struct join *join, const struct unit_result *result);

/* Behind the last hit of the rule, where that is in this chunk; starts before do not count. 0 where
 * it is not, or where nothing of the rule counts any more. */
vaddr join_end(const struct join *join, uint32_t rule, vaddr chunk);

/* So many bytes of texts have been searched, and what came of it is in the findings' tallies (of a
 * unit join_unit sees to both): to rules that were given up before they count as unsearched, and
 * rules that have now used up their strikes are given up. */
void join_searched(struct join *join, uint64_t bytes);

/* The streams and windows of the hits that were taken, which may be sorted; until join_destroy. */
struct sources *join_sources(struct join *join);

/* Index in findings->rules of a rule of the set. */
uint32_t join_rule(const struct join *join, uint32_t rule);

/* A key (raw_key.h) as it may be seen: a hidden one by its number. In the findings' pool. */
const char *join_shown(struct join *join, struct span key);

/* Puts the hits of a source into the group of that key. Not after join_finish. */
void join_name(struct join *join, const struct source *source, struct span key);

/* To be called once, behind the last unit: sorts the hits. */
void join_finish(struct join *join);

#endif
