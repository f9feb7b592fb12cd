/* chunk_jobs: a pass over every chunk by several workers: each job is a run of neighbours of one
 * block, each worker counts into a tally of its own. */
#ifndef ANALYZE_ATTRIBUTE_CHUNK_JOBS_H
#define ANALYZE_ATTRIBUTE_CHUNK_JOBS_H

#include "analyze/attribute/tally.h"
#include "analyze/memory/chunks.h"

/* Counts chunks [first, last) of the block. */
typedef void chunk_jobs_count(void *context, const struct chunk_block *block, size_t first,
							  size_t last, struct tally *tally);

/* Runs it over the whole table; `tally`, which is empty, has the sum. The same for any number of
 * workers. */
void chunk_jobs_run(const struct chunk_table *chunks, unsigned workers, chunk_jobs_count *count,
					void *context, struct tally *tally);

#endif
