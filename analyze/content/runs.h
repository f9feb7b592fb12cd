/* runs: the bytes of chunks that are really there to be read: captured, and resident where the page
 * map tells. What is missing is a border, never zeros. */
#ifndef ANALYZE_CONTENT_RUNS_H
#define ANALYZE_CONTENT_RUNS_H

#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "archive/page_map.h"
#include "base/span.h"
#include "base/vaddr.h"
#include "base/vec.h"

/* Contiguous in the target and in the file, inside one chunk block. */
struct run {
	struct range range;
	const uint8_t *data;
	size_t block; /* index in the chunk table */
};

/* A job of the scan: hits belong to the unit that holds their first byte. */
struct unit {
	struct range range;
	size_t run;
	uint64_t whole; /* bytes, before runs_keep cut it: limits are in proportion to them */
};

struct runs {
	VEC(struct run) items; /* by ascending address */
	VEC(struct unit) units;
	uint64_t bytes; /* of all units */
};

enum { UNIT_BYTES = 2 << 20 };

/* Cuts the runs into units of at most unit_bytes. page_map may be NULL: then all that is captured
 * counts as resident. */
void runs_init(struct runs *runs, const struct image *image, const struct chunk_table *chunks,
			   const struct page_map *page_map, uint64_t unit_bytes);
void runs_deinit(struct runs *runs);

/* Leaves the units of that range only, cut to it. */
void runs_keep(struct runs *runs, struct range range);

/* Address of the chunk that a unit of these runs begins in, or at; the unit's start where its block
 * has no chunk. */
vaddr runs_first_chunk(const struct runs *runs, const struct chunk_table *chunks,
					   const struct unit *unit);

/* The run's bytes from one address to another, both inside it. */
static inline struct span run_span(const struct run *run, vaddr start, vaddr end)
{
	return span_make(run->data + (start - run->range.start), end - start);
}

#endif
