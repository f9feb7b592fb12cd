/* packed_rows: what was found in a rule's compressed streams and windows, as rows of the report. */
#ifndef ANALYZE_ATTRIBUTE_PACKED_ROWS_H
#define ANALYZE_ATTRIBUTE_PACKED_ROWS_H

#include "analyze/content/findings.h"
#include "analyze/report/model.h"
#include "base/pool.h"

#include <stddef.h>

/* Fills row->packed for rule `index` of the findings. Strings are copied to the pool. */
void packed_rows_fill(struct report_rule *row, const struct findings *findings, size_t index,
					  struct pool *pool);

#endif
