/* region_kinds: decides what kind each region is. */
#ifndef ANALYZE_MEMORY_REGION_KINDS_H
#define ANALYZE_MEMORY_REGION_KINDS_H

#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/vec.h"

/* A part of one anonymous region that is something of its own: a .bss, a stack. */
struct region_claim {
	struct range range;
	enum region_kind kind;
	uint32_t tid;
};

typedef VEC(struct region_claim) region_claims;

/* Sets kind, tid and is_java of all regions, which are sorted, and splits regions at claims. */
void region_kinds_decide(struct regions *regions, const struct core *core);

/* Modules: sets REGION_MODULE on the mappings of ELF files and claims their .bss. A file is ELF
 * where a mapping of it is executable, its captured first page says so, or it is named as a shared
 * object. */
void region_modules_decide(struct regions *regions, const struct core *core,
						   const struct image *image, region_claims *claims);

/* Stacks: claims the part of an anonymous region that is a thread's stack. */
void region_stacks_decide(struct regions *regions, const struct core *core, region_claims *claims);

#endif
