/* headline: whose memory it is and what the report rests on, in sentences. */
#ifndef ANALYZE_REPORT_HEADLINE_H
#define ANALYZE_REPORT_HEADLINE_H

#include "analyze/report/model.h"
#include "base/strbuf.h"

/* "Memory of java, pid 42, on host" */
void headline_title(const struct report *report, struct strbuf *out);

/* File, capture, heap: a sentence each; an empty one where nothing is known. The caller frees the
 * lines. */
enum { HEADLINE_LINES = 3 };
void headline_evidence(const struct report_evidence *evidence, struct strbuf lines[HEADLINE_LINES]);

#endif
