/* unit_worker: what one thread of a scan works with: its libraries' scratch, and the unit at hand.
 * For the files that scan a unit; everybody else takes unit_scan.h. */
#ifndef ANALYZE_CONTENT_UNIT_WORKER_H
#define ANALYZE_CONTENT_UNIT_WORKER_H

#include "analyze/rules/confirm.h"
#include "analyze/rules/prefilter.h"
#include "analyze/content/raw_key.h"
#include "analyze/content/unit_scan.h"
#include "analyze/content/view.h"

/* Per rule, while a unit is scanned. */
struct place {
	vaddr chunk; /* the chunk `next` is about */
	vaddr next;  /* starts before this one are decided */
};

struct unit_worker {
	const struct unit_tables *shared;
	struct confirm_thread *confirm;
	struct prefilter_thread *prefilter;
	const struct prefilter *keywords; /* that it was made for */
	uint64_t vain;                    /* keywords met of which no rule is looked for any more */
	prefilter_hits found;
	struct place *places;
	struct rule_tally *tallies; /* of the unit at hand, per rule */
	uint64_t attempts;
	int64_t clock_ns; /* what reading the clock takes; not charged to a rule */
	int64_t cpu_seen; /* the processor's clock as it was last read */
	int64_t slow_ns;  /* what is charged already of the attempt at hand */
	struct raw_key_cache keys;
	unit_watch *watch;
	void *watch_context;

	/* the unit at hand */
	const struct unit *unit;
	const struct run *run;
	struct view_source views;
	struct unit_result *result;
};

/* Takes the keywords that are looked for by now. Gives false and an error where libhs refuses. */
bool unit_worker_take_keywords(struct unit_worker *worker, struct err *err);

/* Makes a unit the one at hand; its results go to `result`. */
void unit_worker_start(struct unit_worker *worker, const struct unit *unit,
					   struct unit_result *result);

/* Hands the tallies of the unit at hand to its result. */
void unit_worker_finish(struct unit_worker *worker);

#endif
