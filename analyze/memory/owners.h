/* owners: which parts of anonymous memory belong to an allocator or a runtime that is not glibc's
 * malloc, without symbols. A part is claimed only where the owner's own structures are seen in it
 * or lead to it, or where the process has named it; a mapped library alone claims nothing. */
#ifndef ANALYZE_MEMORY_OWNERS_H
#define ANALYZE_MEMORY_OWNERS_H

#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/pool.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum owner_kind {
	OWNER_JEMALLOC,
	OWNER_TCMALLOC,
	OWNER_MIMALLOC,
	OWNER_CPYTHON,
	OWNER_V8,
	OWNER_GO,
	OWNER_JVM_METASPACE,
	OWNER_JVM_GC,
	OWNER_KINDS
};

enum owner_certainty {
	OWNER_ABSENT,  /* nothing speaks for it */
	OWNER_HINT,    /* its program or library is mapped, none of its memory is recognised */
	OWNER_LIKELY,  /* one kind of mark: its structures, or names of mappings */
	OWNER_CERTAIN, /* its structures, and its program, library or names */
};

struct owner_claim {
	struct range range;
	enum owner_kind kind;
};

typedef VEC(struct owner_claim) owner_claims;

/* What speaks for an owner. */
struct owner_finding {
	const char *structure; /* what was seen, with numbers; NULL: nothing; in the pool */
	const char *module;    /* path of its program or library; NULL: none is mapped */
	const char *name;      /* a name of a mapping; NULL: none */
};

struct owners {
	owner_claims claims; /* by ascending address, not overlapping */
	struct owner_finding findings[OWNER_KINDS];
	struct pool pool;
};

/* Asks all recognisers. Each looks at headers at fixed places or follows what they say, within what
 * was captured. Nothing is recognised of 32-bit processes. Paths point into the regions, which must
 * outlive the owners. */
void owners_find(struct owners *owners, const struct image *image, const struct regions *regions,
				 const struct core *core);
void owners_deinit(struct owners *owners);

/* Index of the claim that holds the address, or of the next one behind it (count: none). */
size_t owners_claim_at(const struct owners *owners, vaddr address);

enum owner_certainty owners_certainty(const struct owners *owners, enum owner_kind kind);

/* "absent", "hint", "likely", "certain". */
const char *owner_certainty_name(enum owner_certainty certainty);

/* What does not change with the process. */
struct owner_traits {
	const char *id, *title; /* "jvm-gc", "JVM garbage collector" */
	bool is_malloc;         /* it takes malloc's place */
	const char *advice;     /* the tool that can look into its memory */
	bool is_guess;          /* what is seen of it fits, but other things may look like that */
};

const struct owner_traits *owner_traits(enum owner_kind kind);

#endif
