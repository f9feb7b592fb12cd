/* owner_lines: whose memory it is, as text for all renderers. */
#ifndef ANALYZE_REPORT_OWNER_LINES_H
#define ANALYZE_REPORT_OWNER_LINES_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

/* Appends one owner: what it has, how certain that is, and what was seen. */
void owner_lines_owner(const struct report_owner *owner, bool has_residency, struct strbuf *out);

/* Initialises a table of the stacks that have most; the others are one row. The caller ends with
 * table_deinit. */
void owner_lines_stacks(const struct report_memory *memory, struct table *table);

#endif
