/* references: who holds the live chunks, as a table of the report. */
#ifndef ANALYZE_ATTRIBUTE_REFERENCES_H
#define ANALYZE_ATTRIBUTE_REFERENCES_H

#include "analyze/attribute/reach.h"
#include "analyze/content/findings.h"
#include "analyze/report/model.h"
#include "base/pool.h"

/* Rows of `sizes` and of `largest` at most. */
enum { REFERENCES_SIZES = 20, REFERENCES_LARGEST = 10 };

/* Fills all but `missing`, which unseen_describe fills. Strings go to the pool. */
void references_fill(struct report_references *references, const struct reach *reach,
					 const struct findings *findings, unsigned workers, bool weak,
					 struct pool *pool);

#endif
