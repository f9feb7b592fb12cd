/* owner_lines: whose memory it is, as text for all renderers. */
#ifndef ANALYZE_REPORT_OWNER_LINES_H
#define ANALYZE_REPORT_OWNER_LINES_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

/* Whether a reader should see that owner: it has memory, or it is an allocator that may be malloc.
 */
bool owner_lines_matter(const struct report_owner *owner);

/* Appends one owner: what it has, how certain that is, and what was seen. */
void owner_lines_owner(const struct report_owner *owner, bool has_residency, struct strbuf *out);

/* Whether the stacks are a hundredth of the RSS, or that is not known. */
bool owner_lines_stacks_matter(const struct report_memory *memory);

/* Initialises a table of the stacks that have most; the others are one row. The caller ends with
 * table_deinit. */
void owner_lines_stacks(const struct report_memory *memory, struct table *table);

#endif
