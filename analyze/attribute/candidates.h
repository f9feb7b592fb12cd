/* candidates: groups of unattributed chunks that a rule could be about: those that begin with the
 * same text, whatever their size, and of the others those of one size and shape. */
#ifndef ANALYZE_ATTRIBUTE_CANDIDATES_H
#define ANALYZE_ATTRIBUTE_CANDIDATES_H

#include "analyze/attribute/shape.h"
#include "analyze/attribute/tally.h"
#include "analyze/attribute/unattributed.h"
#include "analyze/memory/regions.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of text that tell groups apart, and the fewest chunks of a group. */
enum { CANDIDATE_PREFIX = 4, CANDIDATE_CHUNKS = 4 };

struct candidate {
	bool is_text; /* `key` is the first CANDIDATE_PREFIX bytes, else size << bits | shape */
	uint64_t key;
	uint64_t size;  /* of a chunk; 0: of text */
	uint32_t shape; /* shape.h; of no text */
	uint64_t chunks, bytes;
};

struct candidates {
	VEC(struct candidate) items; /* most bytes first */
	uint64_t chunks, bytes;      /* of all unattributed chunks */
};

/* Fills a zeroed struct. Ends with candidates_deinit. */
void candidates_find(struct candidates *candidates, const struct unattributed *where,
					 const struct regions *regions);
void candidates_deinit(struct candidates *candidates);

/* Does a chunk of that beginning belong to the candidate? Texts that make a group of their own are
 * in no other one. */
bool candidate_holds(const struct candidates *candidates, const struct candidate *candidate,
					 const struct chunk *chunk, struct span bytes, struct shape_reader *reader);

#endif
