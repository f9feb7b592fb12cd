/* marks: finds walked chunks by address, fast enough for millions of list entries, and gives them
 * their final state. */
#ifndef ANALYZE_HEAP_MARKS_H
#define ANALYZE_HEAP_MARKS_H

#include "analyze/memory/chunks.h"

#include <stdbool.h>

struct marks_index; /* of one chunk block: the first chunk of each page */

struct marks {
	struct chunk_table *chunks; /* sealed; not owned */
	struct marks_index *index;  /* one for each of its blocks */
};

/* Indexes the table's blocks, which must not change until marks_deinit. */
void marks_init(struct marks *marks, struct chunk_table *chunks, unsigned workers);
void marks_deinit(struct marks *marks);

enum marks_result {
	MARKS_DONE,
	MARKS_NO_CHUNK, /* no chunk starts there */
	MARKS_TAKEN,    /* it is not in use: marked before, or free by its flags */
};

enum { MARKS_ANY_ARENA = -2 };

/* Gives the chunk that starts at the address the state, if it was in use (or mmapped) so far and
 * belongs to the arena (an index, or MARKS_ANY_ARENA). Chunks of different arenas may be marked by
 * different threads at once. */
enum marks_result marks_set(const struct marks *marks, vaddr address, int arena,
							enum chunk_state state);

#endif
