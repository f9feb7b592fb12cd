/* resume: puts right what a unit found in the chunk that began before it. There a rule is sought as
 * if no match of an earlier unit reached in. Where one does, starts in it do not count; and where
 * it ends inside of a match that was found, what stands behind that end was not looked for: there
 * the rule is sought again. So it is where a limit ended the rule in the unit, as starts that do
 * not count may have used it up. Each start is tried once or twice, however far matches reach. */
#ifndef ANALYZE_CONTENT_RESUME_H
#define ANALYZE_CONTENT_RESUME_H

#include "analyze/content/join.h"
#include "analyze/content/unit_scan.h"

#include <stdbool.h>

/* To be called before the unit's result is joined, when all before it are; `result` is what the
 * worker's tables gave for it. The worker may be at no other unit. False where libhs failed. */
bool resume_unit(const struct join *join, struct unit_worker *worker, const struct unit *unit,
				 struct unit_result *result);

#endif
