/* unseen: what may hold chunks and was not captured, so that an unreachable chunk may be held after
 * all. */
#ifndef ANALYZE_ATTRIBUTE_UNSEEN_H
#define ANALYZE_ATTRIBUTE_UNSEEN_H

#include "analyze/attribute/roots.h"
#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"
#include "base/pool.h"

/* Appends a sentence for each kind of evidence that is missing; none: everything that is read for
 * pointers was there. Strings go to the pool. */
void unseen_describe(const struct core *core, const struct image *image,
					 const struct regions *regions, const struct heap *heap,
					 const struct roots *roots, struct pool *pool, report_lines *lines);

#endif
