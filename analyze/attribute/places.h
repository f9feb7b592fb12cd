/* places: what an address of the process is, in words: a chunk, a module's data, a thread's stack.
 */
#ifndef ANALYZE_ATTRIBUTE_PLACES_H
#define ANALYZE_ATTRIBUTE_PLACES_H

#include "analyze/attribute/pointers.h"
#include "analyze/attribute/roots.h"
#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/regions.h"
#include "analyze/report/show_model.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>

/* Where to look; one thread's. */
struct places {
	const struct core *core;
	const struct regions *regions;
	const struct heap *heap;
	const struct roots *roots;
	struct pointers pointers;
	struct pool *pool; /* of the names */
};

/* The place of an address; false where nothing is mapped there. */
bool places_of(struct places *places, vaddr address, struct show_place *place);

/* The place of register `index` of thread `thread` of the core. */
struct show_place places_register(struct places *places, size_t thread, size_t index);

#endif
