/* ledger: who the bytes belong to that rules matched. Matched bytes may overlap, attributed bytes
 * never: of the hits over a byte the one with the higher priority has it, then the one with the
 * longer extent, the lower address, the rule id that sorts first. */
#ifndef ANALYZE_ATTRIBUTE_LEDGER_H
#define ANALYZE_ATTRIBUTE_LEDGER_H

#include "analyze/content/findings.h"
#include "analyze/report/model.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger_rule {
	struct report_hits live, stale;
};

struct ledger_group {
	uint64_t hits, bytes, live_bytes;
};

struct ledger {
	struct ledger_rule *rules;   /* as findings.rules */
	struct ledger_group *groups; /* as findings.groups */
};

/* Shares out the bytes. Hits outside the heap count nowhere; claimed ones bring chunks and bytes
 * but are no hit of their own. The caller ends with ledger_deinit. */
void ledger_init(struct ledger *ledger, const struct findings *findings);
void ledger_deinit(struct ledger *ledger);

/* True where hit `a` has the bytes that both match. */
bool ledger_precedes(const struct findings *findings, const struct hit *a, const struct hit *b);

/* Adds the rules with hits, undecided places or unsearched bytes to `content`, most bytes first
 * (live before stale), with at most the rule's `top` groups each (LEDGER_GROUPS where it has none);
 * where the content has_stats, the other rules too. Strings are copied to the pool. */
enum { LEDGER_GROUPS = 50 };
void ledger_report(const struct ledger *ledger, const struct findings *findings, struct pool *pool,
				   struct report_content *content);

#endif
