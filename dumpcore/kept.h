/* kept: memory of the target that a clone of it does not get (MADV_DONTFORK, MADV_WIPEONFORK; V8
 * keeps its machine code so), copied in the stop into memory of our own as far as that has room.
 * What does not fit is read from the target while it runs, and is torn. */
#ifndef DUMPCORE_KEPT_H
#define DUMPCORE_KEPT_H

#include "archive/page_map.h"
#include "archive/proc_text.h"
#include "base/err.h"
#include "dumpcore/pages.h"
#include "dumpcore/read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEPT_BYTES = 8 << 20 };

struct kept {
	uint8_t *buffer; /* KEPT_BYTES; costs memory as far as it is used */
	size_t used;
	pages_ranges ranges; /* of the target, ascending; whole mappings */
	struct page_map map; /* of these ranges, at the stop */
};

/* Lists the mappings, and reserves for the stop: also the reader's parts. */
void kept_reserve(struct kept *kept, struct reader *reader, const mappings *list);
void kept_deinit(struct kept *kept);

/* In the stop: asks for the pages and copies them; `reader` still reads the target, and is told
 * where each run is to be had from then on. Swapped pages are copied where `swapped`. Does not
 * allocate. ERR_LIMIT where the memory is in too many pieces. */
bool kept_copy(struct kept *kept, struct reader *reader, const struct pages *pages, bool swapped,
			   struct err *err);

/* Is the range one of them? */
bool kept_has(const struct kept *kept, struct range range);

#endif
