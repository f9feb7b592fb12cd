#include "analyze/content/unit_scan.h"

#include "analyze/content/byte_pass.h"
#include "analyze/content/chunk_pass.h"
#include "analyze/content/keyword_pass.h"
#include "analyze/content/unit_worker.h"

void unit_result_deinit(struct unit_result *result)
{
	vec_deinit(&result->hits);
	vec_deinit(&result->claims);
	vec_deinit(&result->tallies);
	span_index_deinit(&result->keys);
}

void unit_tables_init(struct unit_tables *tables)
{
	scan_plan_init(&tables->plan, tables->rules, tables->applies, tables->brute,
				   tables->tables.image->word);
}

void unit_tables_deinit(struct unit_tables *tables)
{
	scan_plan_deinit(&tables->plan);
}

static int compare_hits(const void *left, const void *right)
{
	const struct raw_hit *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static bool run_passes(struct unit_worker *worker)
{
	const struct unit_tables *shared = worker->shared;

	if (!worker->views.block->count)
		return true;
	if (shared->plan.by_keyword && !keyword_pass(worker))
		return false;
	for (size_t i = 0; i < shared->plan.by_byte.count; i++)
		byte_pass(worker, &shared->plan.by_byte.items[i]);
	chunk_pass(worker);
	vec_sort(&worker->result->hits, compare_hits);
	unit_worker_finish(worker);
	return true;
}

bool unit_scan(struct unit_worker *worker, const struct unit *unit, struct unit_result *result)
{
	unit_worker_start(worker, unit, result);
	return run_passes(worker);
}

bool unit_scan_again(struct unit_worker *worker, const struct unit *unit, const vaddr *from,
					 struct unit_result *result)
{
	bool good;

	unit_worker_start(worker, unit, result);
	unit_worker_begin_at(worker, from);
	good = run_passes(worker);
	worker->from = NULL;
	return good;
}
