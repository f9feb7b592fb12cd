/* rule_check: what `rules check` asks of rules that load. */
#ifndef ANALYZE_AUTHOR_RULE_CHECK_H
#define ANALYZE_AUTHOR_RULE_CHECK_H

#include "analyze/rules/rule_set.h"
#include "base/strbuf.h"

/* The thorough checks of `rules check`, beyond what loading does: keyword coverage of every branch,
 * stress buffers, the tests' presence, the tests. Adds messages and sorts them. */
void rule_set_check(struct rule_set *set, rule_messages *messages);

/* Appends the messages of a check as a JSON object {rules, errors, warnings, messages[]}. */
void rule_set_check_json(const struct rule_set *set, const rule_messages *messages,
						 struct strbuf *out);

#endif
