/* resident: how much of a chunk is in RAM, asked chunk by chunk in ascending order. */
#ifndef ANALYZE_HEAP_RESIDENT_H
#define ANALYZE_HEAP_RESIDENT_H

#include "archive/page_map.h"
#include "base/vaddr.h"

#include <stdbool.h>

/* The stretch around the last chunk whose pages are all resident or all not: most chunks lie in the
 * same one as the chunk before, so that few ask the page map. */
struct resident {
	const struct page_map *map; /* NULL: not known, every answer is 0 */
	struct range stretch;
	bool is_resident;
};

/* Resident bytes of the range, which is not empty. */
uint64_t resident_bytes(struct resident *resident, struct range range);

#endif
