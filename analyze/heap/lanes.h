/* lanes: walks the blocks of all arenas, several at a time.
 *
 * A walk is a chain of memory accesses that wait for each other. So large blocks are cut into
 * parts, and each worker walks some of these at once, a step of each in turn: while one waits for
 * its next header, the others go on. Where a part starts is a guess: chunks follow each other from
 * there. It counts only if the part before it leads there; what it found before that place is
 * dropped, and where no place is common, the part is walked again from where the one before it
 * ended. So the result is that of one walk from the first chunk to the last, whatever the cuts. */
#ifndef ANALYZE_HEAP_LANES_H
#define ANALYZE_HEAP_LANES_H

#include "analyze/heap/blocks.h"
#include "analyze/heap/walk.h"
#include "base/progress.h"

/* Walks every block; results[i], zeroed by the caller, is that of block i. The same for any number
 * of workers. */
void lanes_walk(const struct image *image, const struct layout *layout, const arena_blocks *blocks,
				unsigned workers, struct progress *progress, struct walk_result *results);

#endif
