/* verdict: three sentences for somebody who reads no further: where the RSS is; kept by the
 * allocator or held by the program, or that the evidence does not tell; what to do first. */
#ifndef ANALYZE_ATTRIBUTE_VERDICT_H
#define ANALYZE_ATTRIBUTE_VERDICT_H

#include "analyze/report/model.h"

/* Sets report->verdict from everything else in the report. */
void verdict_fill(struct report *report);

#endif
