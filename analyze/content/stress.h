/* stress: finds patterns that are slow before they bite, by running them over buffers made to hurt:
 * repeats of every byte, random bytes, and the rule's own samples broken off and continued with
 * repeats. */
#ifndef ANALYZE_CONTENT_STRESS_H
#define ANALYZE_CONTENT_STRESS_H

#include "analyze/rules/rule.h"

#include <stdbool.h>
#include <stdint.h>

enum { STRESS_BYTES = 1024 };

/* The most a pattern may take for all starts of a buffer. */
#define STRESS_LIMIT_NS INT64_C(2000000)

struct stress_result {
	bool slow;       /* the limit was passed, or a match limit hit */
	bool undecided;  /* a match limit was hit: those places would be reported as undecided */
	int64_t ns;      /* CPU time of the worst buffer */
	char buffer[48]; /* what the worst buffer holds: "1 KiB of 'a'" */
};

/* Does a pattern come near the match limit on one of the buffers? It does so on every machine, and
 * asking takes a few milliseconds, or a second at worst. Rules without a pattern never do. */
bool stress_runs_away(const struct rule *rule);

/* Runs a pattern rule. Nothing to do for a structure: not slow. */
struct stress_result stress_run(const struct rule *rule);

#endif
