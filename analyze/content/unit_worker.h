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
	unsigned until_sample;      /* attempts that are not timed before the next one that is */
	uint64_t *owed_ns; /* per rule: charged, but not added to what all workers have spent */
	int64_t clock_ns;  /* what reading the wall's clock takes; not charged to a rule */
	bool in_sample;    /* the attempt at hand is timed: */
	int64_t cpu_seen;  /* the processor's clock when it began */
	int64_t apart_ns;  /* of its time, what is not charged to the rule */
	struct raw_key_cache keys;
	unit_watch *watch;
	void *watch_context;

	/* the unit at hand */
	const struct unit *unit;
	const struct run *run;
	struct view_source views;
	struct unit_result *result;
	const vaddr *from;  /* per rule, where only some are sought: the first start; NULL: all */
	uint64_t work_most; /* of a rule's validators in it */
};

/* Takes the keywords that are looked for by now. Gives false and an error where libhs refuses. */
bool unit_worker_take_keywords(struct unit_worker *worker, struct err *err);

/* Makes a unit the one at hand; its results go to `result`. */
void unit_worker_start(struct unit_worker *worker, const struct unit *unit,
					   struct unit_result *result);

/* Of the unit at hand only the rules with an address in `from` are sought, in the chunk that it
 * begins in from there on. */
void unit_worker_begin_at(struct unit_worker *worker, const vaddr *from);

static inline bool unit_worker_seeks(const struct unit_worker *worker, uint32_t rule)
{
	return worker->shared->applies[rule] && (!worker->from || worker->from[rule]);
}

/* Adds what the worker owes for the rule to what all have spent. */
void unit_worker_pay(struct unit_worker *worker, uint32_t rule);

/* Hands the tallies of the unit at hand to its result. */
void unit_worker_finish(struct unit_worker *worker);

#endif
