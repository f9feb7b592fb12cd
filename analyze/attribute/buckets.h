/* buckets: every byte of the process in exactly one bucket, so that the resident ones sum to the
 * RSS and what is left over is printed as the residual. */
#ifndef ANALYZE_ATTRIBUTE_BUCKETS_H
#define ANALYZE_ATTRIBUTE_BUCKETS_H

#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/owners.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"

/* Fills `memory`. What is in a block of chunks belongs to the heap, so that each of its buckets is
 * the sum over all arenas and mmapped chunks; of the rest of anonymous memory, what an owner has
 * claimed is that owner's bucket and row of memory->owners; the rest of a region belongs to what
 * the region is. Resident bytes of anonymous memory that the core does not hold are not_captured.
 * Every fixed bucket is there, empty or not; anonymous.* as there are owners.
 *
 * resident_bytes is the kernel's VmRSS at the capture and its HugetlbPages, which VmRSS leaves out
 * (proc_pid_status(5)), or the sum of the buckets where they were not captured; without a page map
 * it is not known at all. Strings go to the pool. */
void buckets_fill(struct report_memory *memory, const struct core *core, const struct image *image,
				  const struct regions *regions, const struct owners *owners,
				  const struct heap *heap, struct pool *pool);

/* The bucket of that id, or NULL. */
const struct report_bucket *buckets_find(const struct report_memory *memory, const char *id);

/* Its resident bytes (virtual ones where residency is unknown), 0 where there is no such bucket. */
uint64_t buckets_bytes(const struct report_memory *memory, const char *id);

#endif
