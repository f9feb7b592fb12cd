/* confirm_code: a pattern compiled by PCRE2 as rules mean it, for the files that run PCRE2. */
#ifndef ANALYZE_RULES_CONFIRM_CODE_H
#define ANALYZE_RULES_CONFIRM_CODE_H

#include "analyze/rules/confirm.h"

#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Bytes, not characters; `options` are PCRE2_…, e.g. PCRE2_ANCHORED. NULL and a problem where PCRE2
 * refuses. The caller ends with pcre2_code_free. */
pcre2_code *confirm_code(struct span pattern, uint32_t options, struct confirm_problem *problem);

#endif
