/* scan: runs a rule set over the chunks of an image. */
#ifndef ANALYZE_CONTENT_SCAN_H
#define ANALYZE_CONTENT_SCAN_H

#include "analyze/content/findings.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "archive/page_map.h"
#include "base/err.h"
#include "base/progress.h"

struct rule_set; /* analyze/rules/rule_set.h */

/* Scans every chunk once with all rules. `page_map` may be NULL; where it is there, pages that are
 * not resident are skipped. The result is the same for any number of workers. The caller ends with
 * findings_deinit, also after a failure (which is one of the libraries refusing to work). */
bool content_scan(struct findings *findings, const struct rule_set *rules,
				  const struct image *image, const struct regions *regions,
				  const struct chunk_table *chunks, const struct page_map *page_map,
				  unsigned workers, struct progress *progress, struct err *err);

/* What is scanned of the heap. */
struct scan_part {
	struct range range;   /* hits start in it */
	const bool *wanted;   /* per rule of the set; NULL: all */
	uint64_t look_budget; /* as content_scan_within's */
	uint64_t unit_bytes;  /* for tests: other units than of UNIT_BYTES (runs.h); 0: those */
};

/* The same for a part: what a scan of the whole heap finds there, as long as it gives no rule up.
 */
bool content_scan_part(struct findings *findings, const struct rule_set *rules,
					   const struct image *image, const struct regions *regions,
					   const struct chunk_table *chunks, const struct page_map *page_map,
					   const struct scan_part *part, unsigned workers, struct progress *progress,
					   struct err *err);

/* The same with another budget, in bytes, for looking into streams (streams.h); 0: into none. */
bool content_scan_within(struct findings *findings, const struct rule_set *rules,
						 const struct image *image, const struct regions *regions,
						 const struct chunk_table *chunks, const struct page_map *page_map,
						 uint64_t look_budget, unsigned workers, struct progress *progress,
						 struct err *err);

#endif
