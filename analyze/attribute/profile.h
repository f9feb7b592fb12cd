/* profile: what the chunks of a group have in common: of each of their first words what it is and
 * which values were seen, of each of their first bytes which were. Holds content; what of it may be
 * shown is decided where it is printed (suggest.h). */
#ifndef ANALYZE_ATTRIBUTE_PROFILE_H
#define ANALYZE_ATTRIBUTE_PROFILE_H

#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROFILE_WORDS = 16, PROFILE_TEXT = 64 };

/* Values from the smallest to the largest that was seen. */
struct profile_range {
	uint64_t min, max;
};

/* A word of the structure over all members. */
struct profile_word {
	uint64_t members; /* in which it is */
	uint64_t zeros, texts;
	uint64_t to_self, to_chunk, to_mapped; /* pointers: into the own chunk, to the start of a live
											* one, anywhere else that is mapped */
	struct profile_range values;           /* of all */
	struct profile_range low, high;        /* of its two halves */
	struct profile_range self;             /* offsets of pointers to self */
	struct profile_range sizes;            /* of the chunks that pointers are the start of */
};

struct profile {
	uint64_t chunks, bytes;
	struct profile_range sizes; /* of the chunks */
	bool mmapped;               /* some of them are */
	struct profile_word words[PROFILE_WORDS];
	size_t text;                    /* the first bytes that are printable in every member */
	uint8_t seen[PROFILE_TEXT][32]; /* which bytes stand at a place, a bit each (byte_set.h) */
	uint8_t first[PROFILE_TEXT];    /* those of the first member */
};

/* What words are held against. */
struct profile_tables {
	const struct chunk_table *chunks;
	const struct image *image;
	const struct regions *regions;
};

/* Takes a chunk into the profile, which is zeroed before the first; `bytes` are its first ones. */
void profile_add(struct profile *profile, const struct profile_tables *tables,
				 const struct chunk *chunk, struct span bytes);

/* How many of the first bytes are the same in all members. */
size_t profile_prefix(const struct profile *profile);

/* Different bytes at a place of the text. */
unsigned profile_variety(const struct profile *profile, size_t place);

#endif
