/* unit_run: a content scan with units of any size and limits of any kind, for tests. */
#ifndef TESTS_SUPPORT_UNIT_RUN_H
#define TESTS_SUPPORT_UNIT_RUN_H

#include "analyze/content/findings.h"
#include "archive/page_map.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"

#include <stddef.h>
#include <stdint.h>

/* What a scan may take. */
struct unit_run_limits {
	size_t hits;
	uint64_t strikes;
	unsigned work_a_byte;         /* as in a scan; 0: any */
	uint64_t budget_ns, spent_ns; /* CPU of each rule (0: any), and what is gone of it already */
};

/* Those of a content scan, without a budget. */
struct unit_run_limits unit_run_usual(void);

/* Scans the sketch in units of unit_bytes with at most UNIT_RUN_RULES rules. page_map may be NULL.
 * The caller ends with findings_deinit. */
enum { UNIT_RUN_RULES = 16 };
struct findings unit_run(const struct rule_text *rules, const struct sketch *sketch,
						 const struct page_map *page_map, uint64_t unit_bytes,
						 struct unit_run_limits limits);

/* A content scan with units of that size, by so many workers. The caller ends with
 * findings_deinit. */
struct findings unit_run_by(const struct rule_text *rules, const struct sketch *sketch,
							const struct page_map *page_map, uint64_t unit_bytes, unsigned workers);

/* A content scan as reports have it. The caller ends with findings_deinit. */
struct findings unit_run_whole(const struct rule_text *rules, const struct sketch *sketch,
							   const struct page_map *page_map, unsigned workers);

#endif
