/* join: puts the units' hits together in address order: drops matches of a rule that overlap an
 * earlier one of the same rule, numbers groups and hidden values, cuts extents to their chunks.
 * What leaves here is redacted. */
#ifndef ANALYZE_CONTENT_JOIN_H
#define ANALYZE_CONTENT_JOIN_H

#include "analyze/content/findings.h"
#include "analyze/content/rule.h"
#include "analyze/content/unit_scan.h"

struct join;

/* Hits a scan keeps, at 48 bytes each: more than any heap of real content was seen to hold. */
enum { JOIN_HITS = 1 << 24 };

/* Fills findings->rules from the rules that apply; both must outlive the join. Hits beyond `most`
 * are counted as undecided. Ends with join_destroy. */
struct join *join_create(const struct rule_set *rules, const bool *applies, size_t most,
						 struct findings *findings);
void join_destroy(struct join *join);

/* Takes the next unit, by address. */
void join_unit(struct join *join, const struct unit_result *result);

/* To be called once, behind the last unit: sorts the hits, adds up undecided places (per rule of
 * the set). */
void join_finish(struct join *join, const uint64_t *undecided);

#endif
