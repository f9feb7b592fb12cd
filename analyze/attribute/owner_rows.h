/* owner_rows: the owners of memory/owners.h as rows of the report, and what they mean for malloc.
 */
#ifndef ANALYZE_ATTRIBUTE_OWNER_ROWS_H
#define ANALYZE_ATTRIBUTE_OWNER_ROWS_H

#include "analyze/heap/heap.h"
#include "analyze/memory/owners.h"
#include "analyze/report/model.h"

/* Adds the owner's row without its bytes and gives it; NULL where nothing speaks for the owner. A
 * row of an owner that has no bytes (`virtual_bytes`) is a hint. Valid until the next one is added.
 */
struct report_owner *owner_rows_add(struct report_memory *memory, const struct owners *owners,
									enum owner_kind kind, uint64_t virtual_bytes,
									struct pool *pool);

/* Most bytes first. */
void owner_rows_sort(struct report_memory *memory);

/* A sentence on the allocator that takes malloc's place, or is in use beside glibc's, in the
 * report's pool; NULL where none does. `has_roots`: what a heap of glibc's is found by is all in
 * the file. */
const char *owner_rows_replaced(struct report *report, const struct heap *heap, bool has_roots);

#endif
