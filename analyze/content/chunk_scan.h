/* chunk_scan: what a scan of the whole heap finds in one chunk, with no more of the heap read than
 * that takes: the chunk itself, and places of the few structures that could claim it. */
#ifndef ANALYZE_CONTENT_CHUNK_SCAN_H
#define ANALYZE_CONTENT_CHUNK_SCAN_H

#include "analyze/content/findings.h"
#include "analyze/memory/chunks.h"
#include "analyze/rules/structure.h"
#include "archive/page_map.h"
#include "base/err.h"
#include "base/progress.h"

struct rule_set; /* analyze/rules/rule.h */

/* Fills `findings` with the hits in the chunk and those of structures elsewhere that claim it, by
 * address. They have no groups, nothing is looked into streams, and no rule is given up for what it
 * did in other chunks. page_map may be NULL, workers are threads. The caller ends with
 * findings_deinit, also after a failure (which is one of the libraries refusing to work). */
bool chunk_scan(struct findings *findings, const struct rule_set *rules,
				const struct structure_tables *tables, const struct page_map *page_map,
				const struct chunk *chunk, unsigned workers, struct progress *progress,
				struct err *err);

#endif
