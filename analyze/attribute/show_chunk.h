/* show_chunk: all that the file tells of one address. */
#ifndef ANALYZE_ATTRIBUTE_SHOW_CHUNK_H
#define ANALYZE_ATTRIBUTE_SHOW_CHUNK_H

#include "analyze/content/findings.h"
#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "analyze/report/show_model.h"
#include "base/progress.h"

#include <stdbool.h>
#include <stddef.h>

/* What it is made of. Nothing is owned, nothing is changed. */
struct show_input {
	const char *path; /* of the core, as given */
	const struct core *core;
	const struct image *image;
	const struct regions *regions;
	const struct heap *heap;
	const struct findings *findings;
	vaddr address;
	size_t limit; /* rows of a list */
	bool reveal;  /* dump the content */
	unsigned workers;
	struct progress *progress;
};

/* Fills a zeroed show; false where nothing is mapped at the address. The caller ends with
 * show_deinit in every case. */
bool show_chunk_fill(struct show *show, const struct show_input *input);

/* Bytes of a dump at most. */
enum { SHOW_REVEALED_BYTES = 4096 };

#endif
