/* tally: chunks and bytes counted by a number, in a hash table. */
#ifndef ANALYZE_ATTRIBUTE_TALLY_H
#define ANALYZE_ATTRIBUTE_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally_row {
	uint64_t key;
	uint64_t chunks; /* 0: the slot is empty */
	uint64_t bytes;
};

/* Zero-initialised is empty. Not safe for use by several threads at once. */
struct tally {
	struct tally_row *slots; /* capacity is a power of two, at most half is used */
	size_t count, capacity;
};

void tally_deinit(struct tally *tally);

/* Counts one chunk. */
void tally_add(struct tally *tally, uint64_t key, uint64_t bytes);

/* Adds what the other one counted. */
void tally_merge(struct tally *tally, const struct tally *other);

/* Moves the rows to the front of `slots`, most bytes first, then by key, and gives their number.
 * Nothing may be added afterwards. */
size_t tally_sort(struct tally *tally);

#endif
