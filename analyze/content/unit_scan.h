/* unit_scan: runs the rules over one unit of memory and keeps what matched, unredacted only inside
 * this stage. Each place is decided on its own, so a unit needs to know nothing of its neighbours;
 * which of overlapping matches count is decided when the units are joined (join.h, resume.h). */
#ifndef ANALYZE_CONTENT_UNIT_SCAN_H
#define ANALYZE_CONTENT_UNIT_SCAN_H

#include "analyze/content/raw_key.h"
#include "analyze/rules/rule.h"
#include "analyze/content/rule_tally.h"
#include "analyze/content/runs.h"
#include "analyze/content/scan_plan.h"
#include "base/span_index.h"
#include "analyze/memory/chunks.h"
#include "analyze/memory/image.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A match that passed everything. */
struct raw_hit {
	vaddr at;       /* of its first byte */
	uint64_t bytes; /* its extent by the rule, not cut to the chunk yet */
	struct chunk chunk;
	uint32_t rule;
	uint32_t key; /* in unit_result.keys, or RAW_NO_KEY */
	uint32_t first_claim, claims;
	uint32_t packed_at; /* from the hit's start to that of a stream it has proven */
	enum match_packed packed;
};

/* What a unit came to for a rule that it has places for. */
struct unit_tally {
	uint32_t rule;
	struct rule_tally tally;
};

struct unit_result {
	VEC(struct raw_hit) hits; /* by at, then rule */
	VEC(struct unit_tally) tallies;
	VEC(struct structure_claim) claims;
	struct span_index keys;
	uint64_t bytes; /* of the unit */
};

void unit_result_deinit(struct unit_result *result);

/* Places of one rule in a unit at which the match limit may run out; those behind are left over.
 * One that took a good part of the limit in vain counts as a part of such a place (confirm_strain).
 */
enum { UNIT_STRIKES = 4 };

/* Bytes that the validators of a rule may read and make in a unit: so many, and so many more for
 * each of its bytes. What is behind is left over, so a unit costs the same wherever it stands and
 * whoever scans it, and the next one is scanned as if nothing had happened. Measured: a heap of
 * 14,000 real gzip bodies of 1 to 150 KB takes 5 for each byte, that of a JVM with 60 jars 3,
 * access logs and metrics alone 10 to 12. Zeros, packed thousandfold, would take 1,000; a unit of
 * bombs ends after 65 MiB, an eighth of a second (zlib makes a byte in 0.5 to 2 ns, zeros in 2). */
enum { UNIT_WORK = 1 << 20, UNIT_WORK_A_BYTE = 32 };

struct keyword_search; /* analyze/content/keyword_search.h */

/* What all units of a scan share; constant but for the last three. */
struct unit_tables {
	const struct rule_set *rules;
	const bool *applies; /* per rule: it fits this image */
	struct structure_tables tables;
	const struct runs *runs;
	bool brute;        /* for tests: try every place, without the prefilter */
	unsigned sampling; /* every so many attempts are timed; 0: none, which needs no budget */
	struct scan_plan plan;
	unsigned work_a_byte; /* UNIT_WORK_A_BYTE; 0: any work */
	uint64_t budget_ns;   /* CPU a rule may take: what is left then is undecided; 0: any */
	atomic_uint_fast64_t *spent_ns; /* per rule; NULL where budget_ns is 0 */
	atomic_bool *given_up;          /* per rule: it is looked for no more; NULL: none is */
	struct keyword_search *search;  /* NULL: all keywords, always */
};

/* Makes the plan from what else is there. Ends with unit_tables_deinit, which leaves the rest. */
void unit_tables_init(struct unit_tables *tables);
void unit_tables_deinit(struct unit_tables *tables);

/* One thread's state. */
struct unit_worker;

/* NULL and an error where a library refuses. Ends with unit_worker_destroy. */
struct unit_worker *unit_worker_create(const struct unit_tables *tables, struct err *err);
void unit_worker_destroy(struct unit_worker *worker);

/* Scans a unit. Gives false where libhs failed. */
bool unit_scan(struct unit_worker *worker, const struct unit *unit, struct unit_result *result);

/* The same once more for some rules, into the same result: those with an address in `from` (per
 * rule; 0: not sought). Starts before it, in the chunk that the unit begins in, count as decided.
 */
bool unit_scan_again(struct unit_worker *worker, const struct unit *unit, const vaddr *from,
					 struct unit_result *result);

/* For a rule's samples: called for each match that passed, with its captures. */
typedef void unit_watch(void *context, const struct raw_hit *hit, const struct match *match);
void unit_worker_watch(struct unit_worker *worker, unit_watch *watch, void *context);

#endif
