/* damage: one of many ways in which a captured heap can be wrong, chosen by a seed. The same seed
 * and specimen give the same damage. */
#ifndef TESTS_SUPPORT_DAMAGE_H
#define TESTS_SUPPORT_DAMAGE_H

#include "analyze/heap/heap.h"
#include "tests/support/specimen.h"

#include <stdint.h>

enum damage_kind {
	DAMAGE_SIZE,      /* a chunk's size word */
	DAMAGE_SIZES,     /* several of one block */
	DAMAGE_OVERFLOW,  /* a run of bytes from inside a chunk on */
	DAMAGE_LINK,      /* a link word of a free chunk */
	DAMAGE_BIN,       /* a word of a malloc_state's bins */
	DAMAGE_STATE,     /* another word of a malloc_state: top, next, system_mem, ... */
	DAMAGE_HEAP_INFO, /* a word of a heap_info */
	DAMAGE_TCACHE,    /* a word of a tcache struct */
	DAMAGE_WORD,      /* any word of the memory */
	DAMAGE_ZEROED,    /* a page of zeros, as after MADV_DONTNEED */
	DAMAGE_PAGE,      /* a page that was not captured */
	DAMAGE_SEGMENT,   /* a segment that was not captured */
	DAMAGE_CUT,       /* nothing behind some address was captured */
	DAMAGE_KINDS
};

struct damage {
	enum damage_kind kind;
	VEC(struct range) ranges; /* what was damaged; freed by the caller */
	char text[96];
};

/* Does the damage to the specimen; `truth` is the heap of the sound one. */
void damage_do(struct specimen *specimen, const struct heap *truth, uint64_t seed,
			   struct damage *damage);

const char *damage_name(enum damage_kind kind);

#endif
