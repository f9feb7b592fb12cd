/* markdown: the report for GitHub and Jira. */
#ifndef ANALYZE_REPORT_MARKDOWN_H
#define ANALYZE_REPORT_MARKDOWN_H

#include "analyze/report/model.h"
#include "base/strbuf.h"

/* Appends the report as GitHub-flavoured Markdown: ids and keys fenced as code, everything else
 * escaped, so that no name from the process becomes markup. */
void markdown_render(const struct report *report, struct strbuf *out);

#endif
