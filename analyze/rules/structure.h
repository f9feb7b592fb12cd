/* structure: a C struct recognised by the values of its fields. A structure rule lists typed words
 * at offsets; pointers are followed into the chunk table. */
#ifndef ANALYZE_RULES_STRUCTURE_H
#define ANALYZE_RULES_STRUCTURE_H

#include "analyze/rules/contents.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/span.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum word_type { WORD_U8, WORD_U16, WORD_U32, WORD_U64, WORD_PTR };

/* Where a pointer must lead. */
enum word_target {
	WORD_TO_ANY,
	WORD_TO_MAPPED,      /* into any mapping of the target */
	WORD_TO_CHUNK_START, /* to the user address of a live chunk */
	WORD_TO_SELF,        /* into the bytes of this structure's own chunk */
	WORD_TO_FREE,        /* into a free chunk */
	WORD_TO_END, /* to the end of this structure's own chunk, or what malloc rounds up before */
};

/* The most that malloc makes a chunk longer than it was asked for: to a multiple of 16, and by a
 * rest that is too small for a chunk of its own (glibc malloc/malloc.c, request2size, MINSIZE). */
enum { WORD_END_SLACK = 31 };

/* Inclusive on both ends. */
struct word_range {
	uint64_t min, max;
};

struct structure_word {
	uint32_t at; /* offset from the start of the structure */
	enum word_type type;
	bool has_in;
	struct word_range in; /* allowed values; for `to: self` allowed offsets from the start */
	enum word_target to;
	struct word_range size; /* chunk sizes the pointed chunk may have */
	uint32_t header; /* WORD_TO_CHUNK_START: how far behind the chunk's user address it leads */
	bool null;       /* a null pointer passes as well */
	bool has_back;
	uint32_t back; /* the word at this offset behind the pointer points back to the start */
	bool claim;    /* the pointed chunk is explained too */
	uint64_t
		claim_bytes; /* or this many bytes from the pointer, where they lie in one free chunk */
	const struct content_kind *content; /* what is claimed is content of this kind; or NULL */
};

struct structure {
	VEC(struct structure_word) words;
	uint64_t bytes; /* from the start to the end of the last word, for 8-byte pointers */
};

/* The tables a structure is checked against. regions may be NULL: then what is captured counts as
 * mapped. */
struct structure_tables {
	const struct image *image;
	const struct regions *regions;
	const struct chunk_table *chunks;
};

/* Bytes elsewhere that a matched structure explains. */
struct structure_claim {
	vaddr start;
	uint64_t bytes;
	struct chunk chunk;
	vaddr pointer;                      /* the word's value */
	const struct content_kind *content; /* of the word */
};

enum { STRUCTURE_CLAIMS = 8 };

struct structure_claims {
	size_t count;
	struct structure_claim items[STRUCTURE_CLAIMS];
};

void structure_deinit(struct structure *structure);

/* The content that a word of the structure names, or NULL. */
const struct content_kind *structure_content(const struct structure *structure);

/* Where a structure is looked for: `bytes` stand at `address` in the target, in `chunk`, and reach
 * as far as memory is there without a gap. Words behind a gap (a page that the program has not
 * touched) are read from the image, up to the end of the chunk. */
struct structure_place {
	struct chunk chunk;
	vaddr address;
	struct span bytes;
};

/* What stands in the way of a match. */
struct structure_failure {
	size_t word;    /* index of the first word that does not pass; the number of words: all do */
	bool is_there;  /* its bytes may be read: `value` holds it */
	uint64_t value; /* little-endian, as the image is */
};

/* Checks the structure at the place. Every word must be there and pass. */
bool structure_match(const struct structure *structure, const struct structure_tables *tables,
					 const struct structure_place *place);

/* As structure_match, telling the first word that does not pass. */
struct structure_failure structure_find_failure(const struct structure *structure,
												const struct structure_tables *tables,
												const struct structure_place *place);

/* What a structure that matched there claims besides its own bytes. */
void structure_claim(const struct structure *structure, const struct structure_tables *tables,
					 const struct structure_place *place, struct structure_claims *claims);

/* Could a structure that stands elsewhere claim the chunk, or bytes of it, by its state and size?
 */
bool structure_may_claim(const struct structure *structure, const struct chunk *chunk);

/* Bytes of a word of this type; `pointer` is the target's pointer size. */
unsigned structure_word_bytes(enum word_type type, unsigned pointer);

#endif
