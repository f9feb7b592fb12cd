/* keyword_tail: what can stand behind a keyword in a match that has no keyword before it. A keyword
 * of a log line stands in texts that are no log line, and before a start of the match is tried, its
 * next bytes tell. */
#ifndef ANALYZE_RULES_KEYWORD_TAIL_H
#define ANALYZE_RULES_KEYWORD_TAIL_H

#include "analyze/rules/automaton.h"
#include "analyze/rules/pattern_head.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>

/* In this state of the pattern's automaton the keyword has just been read. */
struct keyword_end {
	uint32_t keyword, state;
};

typedef VEC(struct keyword_end) keyword_ends;

/* Fills a head for each of `count` keywords: the bytes that the states behind it take. A keyword
 * without a state gets one that nothing fits: some other keyword ends before it in every match.
 * Sorts the ends. */
void keyword_tails_fill(struct pattern_head *tails, size_t count, keyword_ends *ends,
						const struct automaton *automaton);

#endif
