#include "tests/support/unit_run.h"

#include "analyze/content/scan.h"

#include "analyze/content/join.h"
#include "analyze/content/resume.h"
#include "analyze/content/streams.h"
#include "analyze/rules/rule.h"
#include "analyze/content/unit_scan.h"
#include "tests/unit/unit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct unit_run_limits unit_run_usual(void)
{
	return (struct unit_run_limits){ .hits = JOIN_HITS, .strikes = JOIN_STRIKES };
}

/* The error of a library is the end of a test. */
static void scan_units(const struct unit_tables *shared, struct join *join)
{
	struct err err = { 0 };
	struct unit_worker *worker = unit_worker_create(shared, &err);

	if (!worker)
		abort();
	for (size_t i = 0; i < shared->runs->units.count; i++) {
		struct unit_result result = { 0 };

		if (!unit_scan(worker, &shared->runs->units.items[i], &result))
			abort();
		if (!resume_unit(join, worker, &shared->runs->units.items[i], &result))
			abort();
		join_unit(join, &result);
		unit_result_deinit(&result);
	}
	unit_worker_destroy(worker);
}

struct findings unit_run(const struct rule_text *rules, const struct sketch *sketch,
						 const struct page_map *page_map, uint64_t unit_bytes,
						 struct unit_run_limits limits)
{
	atomic_uint_fast64_t spent[UNIT_RUN_RULES];
	atomic_bool given_up[UNIT_RUN_RULES];
	bool applies[UNIT_RUN_RULES];
	struct runs runs;
	struct unit_tables shared = { .rules = rules->set,
								  .applies = applies,
								  .tables = { &sketch->image, NULL, &sketch->chunks },
								  .runs = &runs,
								  .work_a_byte = limits.work_a_byte,
								  .sampling = limits.budget_ns ? 1 : 0,
								  .budget_ns = limits.budget_ns,
								  .spent_ns = spent,
								  .given_up = given_up };
	struct findings findings = { 0 };
	struct join *join;

	assert(rules->set->rules.count <= UNIT_RUN_RULES);
	memset(applies, true, sizeof applies);
	for (size_t i = 0; i < UNIT_RUN_RULES; i++) {
		atomic_init(&spent[i], limits.spent_ns);
		atomic_init(&given_up[i], false);
	}
	runs_init(&runs, &sketch->image, &sketch->chunks, page_map, unit_bytes);
	unit_tables_init(&shared);
	join = join_create(rules->set, applies, (struct join_limits){ limits.hits, limits.strikes },
					   given_up, &findings);
	scan_units(&shared, join);
	join_finish(join);
	join_destroy(join);
	unit_tables_deinit(&shared);
	runs_deinit(&runs);
	return findings;
}

struct findings unit_run_by(const struct rule_text *rules, const struct sketch *sketch,
							const struct page_map *page_map, uint64_t unit_bytes, unsigned workers)
{
	const struct scan_part all = { { 0, UINT64_MAX }, NULL, STREAMS_BUDGET, unit_bytes };
	struct findings findings;
	struct err err = { 0 };

	if (!content_scan_part(&findings, rules->set, &sketch->image, NULL, &sketch->chunks, page_map,
						   &all, workers, NULL, &err))
		fail_msg("%s", err.what);
	return findings;
}

struct findings unit_run_whole(const struct rule_text *rules, const struct sketch *sketch,
							   const struct page_map *page_map, unsigned workers)
{
	return unit_run_by(rules, sketch, page_map, UNIT_BYTES, workers);
}
