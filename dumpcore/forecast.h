/* forecast: what a capture would take. It makes the plan that the capture will make, from what can
 * be asked without touching the target or stopping it: smaps and, where the kernel tells this
 * program, the page map and the threads' stack pointers. */
#ifndef DUMPCORE_FORECAST_H
#define DUMPCORE_FORECAST_H

#include "archive/page_map.h"
#include "dumpcore/choice.h"
#include "dumpcore/pages.h"
#include "dumpcore/plan.h"
#include "dumpcore/target.h"

#include <stdbool.h>
#include <stdint.h>

struct forecast {
	struct plan plan; /* laid out */
	struct page_map map;
	bool is_exact;       /* the map is the kernel's; else it is made up from the counts of smaps */
	uint64_t file_bytes; /* size of the plain archive */
	uint64_t stored_bytes; /* of it without holes in its memory: what it takes on a disk */
};

/* `pages` is opened for the target, or NULL where the kernel is not to be asked. The choice has
 * learned the target's mappings. The caller ends with forecast_deinit. */
void forecast_make(struct forecast *forecast, struct target *target, const struct choice *choice,
				   const struct pages *pages);
void forecast_deinit(struct forecast *forecast);

#endif
