/* marks: gives walked chunks that a list of malloc leads to their final state. */
#ifndef ANALYZE_HEAP_MARKS_H
#define ANALYZE_HEAP_MARKS_H

#include "analyze/memory/chunks.h"

enum marks_result {
	MARKS_DONE,
	MARKS_NO_CHUNK, /* no chunk starts there */
	MARKS_TAKEN,    /* it is not in use: marked before, or free by its flags */
};

enum { MARKS_ANY_ARENA = -2 };

/* Gives the chunk that starts at the address the state, if it was in use (or mmapped) so far and
 * belongs to the arena (an index, or MARKS_ANY_ARENA). The table is sealed. Chunks of different
 * arenas may be marked by different threads at once. */
enum marks_result marks_set(struct chunk_table *chunks, vaddr address, int arena,
							enum chunk_state state);

#endif
