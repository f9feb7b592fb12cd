/* report_content: what rules found, for the built reports. */
#ifndef TESTS_SUPPORT_REPORT_CONTENT_H
#define TESTS_SUPPORT_REPORT_CONTENT_H

#include "analyze/report/model.h"

/* Rules, streams and clusters of a Java service: groups with origins, a rule that was given up,
 * streams beyond every limit, hidden keys, a small critical rule behind larger ones. */
void report_content_java(struct report *report);

/* What those rules cost: one was given up; one more is added, of that name, that found nothing. */
void report_content_stats(struct report_content *content, const char *name);

#endif
