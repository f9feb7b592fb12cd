/* fastbins: the chunks of every fastbin (up to 2.42): freed, though their headers say used. */
#ifndef ANALYZE_HEAP_FASTBINS_H
#define ANALYZE_HEAP_FASTBINS_H

#include "analyze/heap/arenas.h"
#include "analyze/heap/layout.h"
#include "analyze/heap/links.h"
#include "analyze/heap/marks.h"
#include "analyze/memory/anomaly.h"

/* What the first links of all fastbins say of the links' form. */
void fastbins_vote(const struct image *image, const struct layout *layout, const arenas *found,
				   const arena_blocks *blocks, struct links_votes *votes);

/* Marks the chunks of all fastbins CHUNK_FASTBIN. A list ends where it leaves its arena or its size
 * class, or meets a chunk that is free already; an anomaly says so and ends with `cause`, "" or
 * what explains it. */
void fastbins_mark(const struct image *image, const struct layout *layout, const arenas *found,
				   struct chunk_table *chunks, unsigned workers, const char *cause,
				   struct anomalies *anomalies);

#endif
