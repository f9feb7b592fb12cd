/* size_classes: chunks of the same size and state, counted. */
#ifndef ANALYZE_ATTRIBUTE_SIZE_CLASSES_H
#define ANALYZE_ATTRIBUTE_SIZE_CLASSES_H

#include "analyze/memory/chunks.h"
#include "analyze/report/model.h"

/* Fills heap->size_classes: in-use, mmapped, tcache, fastbin and binned chunks, most bytes first,
 * then smaller sizes, at most SIZE_CLASSES_MAX. */
enum { SIZE_CLASSES_MAX = 50 };
void size_classes_fill(struct report_heap *heap, const struct chunk_table *chunks,
					   unsigned workers);

#endif
