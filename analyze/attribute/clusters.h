/* clusters: live chunks that no rule explains, by size and by the shape of their first words. They
 * show what the next rule should be about, and no content. */
#ifndef ANALYZE_ATTRIBUTE_CLUSTERS_H
#define ANALYZE_ATTRIBUTE_CLUSTERS_H

#include "analyze/content/findings.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"
#include "base/pool.h"

/* Fills content->clusters (most bytes first, at most CLUSTERS_MAX) and the sums of all live chunks
 * that hold no hit. Strings go to the pool. */
enum { CLUSTERS_MAX = 20 };
void clusters_fill(struct report_content *content, const struct chunk_table *chunks,
				   const struct findings *findings, const struct image *image,
				   const struct regions *regions, unsigned workers, struct pool *pool);

#endif
