/* heap_summary: the heap stage's arenas as the report has them, and their sums. */
#ifndef ANALYZE_ATTRIBUTE_HEAP_SUMMARY_H
#define ANALYZE_ATTRIBUTE_HEAP_SUMMARY_H

#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/report/model.h"
#include "base/pool.h"

/* Fills arenas (with the threads that use each), totals and mmapped. Thread names are escaped into
 * the pool. */
void heap_summary_fill(struct report_heap *out, const struct heap *heap, const struct core *core,
					   struct pool *pool);

/* Chunks that malloc could hand out again: tcache, fastbin, binned, top. */
struct report_sum heap_summary_free(const struct report_arena *arena);

#endif
