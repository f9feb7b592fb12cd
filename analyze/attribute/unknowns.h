/* unknowns: what no number of a report can say, as what it takes is not in the file. */
#ifndef ANALYZE_ATTRIBUTE_UNKNOWNS_H
#define ANALYZE_ATTRIBUTE_UNKNOWNS_H

#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"

#include <stddef.h>

/* The file, and what was found in it. */
struct unknowns_from {
	const struct core *core;
	const struct regions *regions;
	const struct heap *heap;
};

/* The next unknown from number *at on, which moves behind it; begin with 0. Lives as long as the
 * program; NULL where there is none any more. */
const struct report_unknown *unknowns_next(const struct unknowns_from *from, size_t *at);

#endif
