/* packed_table: what is in compressed streams and windows, as a table and sentences. */
#ifndef ANALYZE_REPORT_PACKED_TABLE_H
#define ANALYZE_REPORT_PACKED_TABLE_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Rules with streams, what was found in them, and by which keys. False, and no table, where no rule
 * has any. */
bool packed_table_make(const struct report_content *content, struct table *table);

/* Appends what is not in the table: "3 streams broke, 2 were cut short, 1 was longer than 1 MiB:
 * each counts as far as it was inflated." Nothing where there is nothing to say. */
void packed_table_limits(const struct report_content *content, struct strbuf *out);

#endif
