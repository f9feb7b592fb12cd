/* rule_compile: from a rule as read to a rule that can run: compiles its pattern, proves that its
 * keywords cover it, and checks that its parts fit together. */
#ifndef ANALYZE_RULES_RULE_COMPILE_H
#define ANALYZE_RULES_RULE_COMPILE_H

#include "analyze/rules/rule_file.h"

/* False where something is wrong; it is reported. Of an entry that is not good what can be checked
 * without its bad parts is checked as well, so that an author hears of all at once; false then. */
bool rule_compile(struct rule_entry *entry, struct pool *pool, struct rule_sink *sink);

#endif
