/* sample_list: the samples of rules as data, for programs that put them elsewhere than the made-up
 * heap of `rules test`: into a process, into another engine. */
#ifndef ANALYZE_AUTHOR_SAMPLE_LIST_H
#define ANALYZE_AUTHOR_SAMPLE_LIST_H

#include "analyze/rules/rule_set.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Appends a line for each sample; or a JSON array of the rules, each with where it looks and its
 * samples: bytes as hex, or the words of a structure (docs/analyze.1 has the members). */
void sample_list(const struct rule_set *set, bool json, struct strbuf *out);

#endif
