/* automaton: a pattern as states, each of which takes a byte or splits. */
#ifndef ANALYZE_RULES_AUTOMATON_H
#define ANALYZE_RULES_AUTOMATON_H

#include "analyze/rules/pattern.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* Consumes a byte of `set`, or (set NULL) splits for free. */
struct automaton_state {
	const uint8_t *set;   /* of the pattern's node */
	uint32_t next, other; /* other: only of a split */
};

enum { AUTOMATON_ACCEPT = 0, AUTOMATON_NO_BRANCH = -1 };

/* Zero-initialised but for what the caller sets. The caller ends with vec_deinit of the states. */
struct automaton {
	VEC(struct automaton_state) states;
	const int
		*branch; /* per choice: the only branch to build, or AUTOMATON_NO_BRANCH; NULL: build all */
	uint32_t repeat_cap; /* counts beyond become "that many or more" */
	bool overflow;       /* too large: it is not whole */
};

/* Builds the states of the pattern, which must outlive them; gives the first one. State
 * AUTOMATON_ACCEPT is the end of a match. */
uint32_t automaton_build(struct automaton *automaton, const struct pattern *pattern);

#endif
