/* rule_test: the samples that rules carry, run. */
#ifndef ANALYZE_AUTHOR_RULE_TEST_H
#define ANALYZE_AUTHOR_RULE_TEST_H

#include "analyze/rules/rule_set.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Runs every rule's own samples with and without the prefilter. Appends what is wrong with each
 * that failed, a line for each rule that has failures or no tests, and a closing count; gives true
 * where all passed. */
bool rule_set_test(struct rule_set *set, struct strbuf *out);

/* As rule_set_test, as a JSON object {passed, failed, rules[{id, passed, failed}], messages[]}; the
 * messages of loading, which are given, stand before those of the tests. */
bool rule_set_test_json(struct rule_set *set, const rule_messages *loading, struct strbuf *out);

#endif
