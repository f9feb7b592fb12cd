/* json: the report as JSON, schema dumpcore.report/1 (docs/report.schema.json). */
#ifndef ANALYZE_REPORT_JSON_H
#define ANALYZE_REPORT_JSON_H

#include "analyze/report/model.h"
#include "base/strbuf.h"

/* Appends the document, indented, with a final newline. Sizes are integers (bytes), addresses
 * "0x…" strings; what the evidence does not tell is null. */
void json_render(const struct report *report, struct strbuf *out);

#endif
