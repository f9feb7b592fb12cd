/* waterfall: the buckets that sum to the RSS, as a table with a bar for each. */
#ifndef ANALYZE_REPORT_WATERFALL_H
#define ANALYZE_REPORT_WATERFALL_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"

/* How bars are drawn. */
struct waterfall_bars {
	unsigned columns;
	const char *full, *thin; /* a cell of a bar, and what a bar of less than half a cell is */
};

/* Initialises the table: buckets with most bytes first, those below half a percent in one row, then
 * the residual and the RSS. `bars` NULL: no bars. The caller ends with table_deinit. */
void waterfall_table(const struct report_memory *memory, const struct waterfall_bars *bars,
					 struct table *table);

#endif
