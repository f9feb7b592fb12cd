/* coverage: does every match of a pattern hold a keyword, and how far from the match's start can
 * the first one stand? Decided by walking the pattern's automaton together with the keywords'
 * (Aho-Corasick): a way through it that meets no keyword is a match the prefilter would lose. */
#ifndef ANALYZE_RULES_COVERAGE_H
#define ANALYZE_RULES_COVERAGE_H

#include "analyze/rules/pattern.h"
#include "analyze/rules/pattern_head.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

enum coverage_result {
	COVERAGE_FULL,    /* every match holds a keyword */
	COVERAGE_PARTIAL, /* see witness and branch */
	COVERAGE_UNKNOWN, /* the pattern is beyond the reader, or too large */
};

#define COVERAGE_FAR SIZE_MAX

struct coverage {
	enum coverage_result result;
	/* FULL: every match that starts at s holds a keyword that starts in [s + lead_min,
	 * s + lead_max]. lead_max is COVERAGE_FAR where nothing bounds it. */
	size_t lead_min, lead_max;
	struct span branch;  /* PARTIAL: source of the branch without a keyword; empty: all of it */
	uint8_t witness[64]; /* PARTIAL: the start of a match without a keyword */
	size_t witness_size;
};

/* Compares; keywords are byte strings, exact case. `tails`, of `count` items, gets what stands
 * behind each keyword in the matches whose first one it is: any bytes where the result is not FULL;
 * of equal keywords the first one counts. */
struct coverage coverage_analyse(const struct pattern *pattern, const struct span *keywords,
								 size_t count, struct pattern_head *tails);

#endif
