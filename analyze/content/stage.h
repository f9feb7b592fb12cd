/* stage: a heap of one chunk around bytes that are in no heap, so that rules can be run over them:
 * what came out of a compressed stream. */
#ifndef ANALYZE_CONTENT_STAGE_H
#define ANALYZE_CONTENT_STAGE_H

#include "analyze/content/runs.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "base/span.h"

struct stage {
	struct image image; /* of the target's machine; no memory */
	struct chunk_table chunks;
	struct runs runs;
};

/* Where the payload of the chunk stands. */
#define STAGE_START UINT64_C(0x10000)

/* For texts of a target like the image. Ends with stage_deinit; does not move in between. */
void stage_init(struct stage *stage, const struct image *image);
void stage_deinit(struct stage *stage);

/* Puts bytes on the stage, as the payload of a chunk in that state. They must outlive their time
 * there. There must be one at least and at most UNIT_BYTES. Gives the unit to scan. */
const struct unit *stage_put(struct stage *stage, struct span bytes, enum chunk_state state);

#endif
