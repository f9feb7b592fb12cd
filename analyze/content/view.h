/* view: a chunk, and what of its payload may be read in a run. */
#ifndef ANALYZE_CONTENT_VIEW_H
#define ANALYZE_CONTENT_VIEW_H

#include "analyze/content/runs.h"
#include "analyze/memory/chunks.h"
#include "base/vaddr.h"

#include <stddef.h>

struct view {
	struct chunk chunk;
	vaddr payload;         /* the program's pointer */
	struct range readable; /* the part of its payload that is in the run */
};

/* Where views are made. */
struct view_source {
	const struct run *run;
	const struct chunk_block *block; /* of the run */
	unsigned header_bytes;           /* from a chunk's address to its payload */
	unsigned word;                   /* bytes of a target word */
};

/* The view of chunk `index` of the block. */
struct view view_make(const struct view_source *source, size_t index);

/* The view of the chunk that holds the address. Addresses must come in ascending order: *index is
 * where the last one was, and the search goes on from there. */
struct view view_seek(const struct view_source *source, size_t *index, vaddr address);

#endif
