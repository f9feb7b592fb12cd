/* kept: memory of the target that a clone of it does not get (MADV_DONTFORK, MADV_WIPEONFORK; V8
 * keeps its heap and its machine code so), copied in the stop into memory of our own as far as that
 * has room. What does not fit is read from the target while it runs, and is torn.
 *
 * Which memory that is cannot be told before the stop: mappings come and go until then, and maps
 * does not say how they are advised. So the clone is asked what it has: what the target has mapped
 * and the clone has not, and what was mapped since smaps was read and is empty in the clone alone.
 */
#ifndef DUMPCORE_KEPT_H
#define DUMPCORE_KEPT_H

#include "archive/page_map.h"
#include "archive/proc_text.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "base/vaddr.h"
#include "base/vec.h"
#include "dumpcore/pages.h"
#include "dumpcore/plan.h"
#include "dumpcore/procfs.h"
#include "dumpcore/read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most memory that is copied in the stop: 10 to 20 ms. */
enum { KEPT_BYTES = 24 << 20 };

typedef VEC(struct range) kept_mappings;

struct kept {
	uint8_t *buffer; /* costs memory as far as it is used */
	size_t room, used;
	struct strbuf maps;           /* the clone's, in the stop */
	kept_mappings cloned;         /* the same, ascending */
	pages_ranges ranges;          /* of the target, ascending; whole items of the plan */
	struct page_map map;          /* of these ranges, at the stop */
	pages_ranges fresh;           /* mapped since smaps was read, in the clone too */
	struct page_map ours, theirs; /* what target and clone have; of `fresh`, then of `ranges` */
};

/* Reserves for the stop: also the reader's parts. `mappings_room` is for how many mappings,
 * `maps_bytes` for how much text of them, `likely_bytes` how much will be copied. */
void kept_reserve(struct kept *kept, struct reader *reader, size_t mappings_room, size_t maps_bytes,
				  uint64_t likely_bytes);
void kept_deinit(struct kept *kept);

/* Bytes that a clone would not get, as smaps said: private memory that is there. */
uint64_t kept_expected(const mappings *list);

/* In the stop, with the clone made: reads what it has mapped. Does not allocate. ERR_GONE where it
 * has ended. */
bool kept_read_clone(struct kept *kept, const struct procfs *clone, struct err *err);

/* In the stop: lists the items of the plan that the clone lacks. `asked` are the plan's ranges, one
 * an item; `clone` is asked for pages as `target` is. Does not allocate. */
bool kept_find(struct kept *kept, const struct plan *plan, const pages_ranges *asked,
			   const struct pages *target, const struct pages *clone, struct err *err);

/* In the stop: asks for the pages of what was found. Gives the bytes that are to be read of it. */
bool kept_scan(struct kept *kept, const struct plan *plan, const struct pages *target,
			   uint64_t *bytes, struct err *err);

/* In the stop: copies these bytes; `reader` still reads the target, and is told where each run is
 * to be had from then on. Does not allocate. ERR_LIMIT where the memory is in too many pieces. */
bool kept_copy(struct kept *kept, const struct plan *plan, struct reader *reader, struct err *err);

/* After the stop: memory that smaps knew and that was MADV_WIPEONFORK since then cannot be had any
 * more. Records errors with the reason kept_wiped for what is empty in the clone for that. `cloned`
 * are the clone's pages. */
void kept_note_wiped(const struct kept *kept, const struct plan *plan, const struct pages *target,
					 const struct procfs *clone, const struct page_map *cloned,
					 struct reader *reader);
extern const char kept_wiped[];

/* Is the range one of those that the clone lacks? */
bool kept_has(const struct kept *kept, struct range range);

#endif
