/* trouble: lines of core.troubles: what was odd in the file and what it cost. */
#ifndef ANALYZE_INPUT_TROUBLE_H
#define ANALYZE_INPUT_TROUBLE_H

#include "analyze/input/core.h"

/* After so many lines only one more is added, which says that there were more, so that damage
 * cannot flood a report. */
enum { TROUBLES_MAX = 200 };

/* Adds a line. */
void trouble_add(struct core *core, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a gap; the reason goes to the core's pool unless it is the last gap's. A gap that touches
 * the last one with the same reason becomes one with it. */
void trouble_gap(struct core *core, struct range range, const char *reason);

#endif
