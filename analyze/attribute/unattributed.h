/* unattributed: the live chunks that no rule explains, one after another. */
#ifndef ANALYZE_ATTRIBUTE_UNATTRIBUTED_H
#define ANALYZE_ATTRIBUTE_UNATTRIBUTED_H

#include "analyze/content/findings.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "base/span.h"

/* Where they are looked for. */
struct unattributed {
	const struct chunk_table *chunks;
	const struct findings *findings; /* hits by start */
	const struct image *image;
};

/* `bytes`: the payload's first bytes, at most `most`, as many as are captured; none is possible. */
typedef void unattributed_visit(void *context, const struct chunk *chunk, struct span bytes);

/* Calls visit for each, by address. */
void unattributed_each(const struct unattributed *where, uint64_t most, unattributed_visit *visit,
					   void *context);

#endif
