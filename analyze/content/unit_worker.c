#include "analyze/content/unit_worker.h"

#include "analyze/content/cpu_clock.h"
#include "analyze/content/keyword_search.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int compare_times(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The middle one of some tries: the least is less than what most take, and an attempt that stands
 * for hundreds of others makes much of the difference. */
static int64_t measure_clock(void)
{
	enum { TRIES = 31 };
	int64_t took[TRIES];

	for (int i = 0; i < TRIES; i++) {
		int64_t before = wall_clock_ns();

		took[i] = wall_clock_ns() - before;
	}
	qsort(took, TRIES, sizeof *took, compare_times);
	return took[TRIES / 2];
}

struct unit_worker *unit_worker_create(const struct unit_tables *tables, struct err *err)
{
	struct unit_worker *worker = mem_zeroed(1, sizeof *worker);

	worker->shared = tables;
	worker->clock_ns = measure_clock();
	worker->places = mem_zeroed(tables->rules->rules.count, sizeof *worker->places);
	worker->tallies = mem_zeroed(tables->rules->rules.count, sizeof *worker->tallies);
	worker->owed_ns = mem_zeroed(tables->rules->rules.count, sizeof *worker->owed_ns);
	if (unit_worker_take_keywords(worker, err)) {
		worker->confirm = confirm_thread_create();
		if (worker->confirm)
			return worker;
		err_set(err, ERR_SYSTEM, "PCRE2 cannot allocate what a thread needs to match");
	}
	unit_worker_destroy(worker);
	return NULL;
}

void unit_worker_destroy(struct unit_worker *worker)
{
	if (!worker)
		return;
	confirm_thread_destroy(worker->confirm);
	prefilter_thread_destroy(worker->prefilter);
	vec_deinit(&worker->found);
	free(worker->places);
	free(worker->tallies);
	free(worker->owed_ns);
	raw_key_cache_deinit(&worker->keys);
	free(worker);
}

bool unit_worker_take_keywords(struct unit_worker *worker, struct err *err)
{
	const struct unit_tables *shared = worker->shared;
	const struct prefilter *now = shared->rules->prefilter;

	if (shared->search)
		now = keyword_search_now(shared->search, worker->vain);
	worker->vain = 0;
	if (now == worker->keywords)
		return true;
	prefilter_thread_destroy(worker->prefilter);
	worker->prefilter = prefilter_thread_create(now, err);
	worker->keywords = worker->prefilter ? now : NULL;
	return worker->prefilter;
}

void unit_worker_watch(struct unit_worker *worker, unit_watch *watch, void *context)
{
	worker->watch = watch;
	worker->watch_context = context;
}

void unit_worker_start(struct unit_worker *worker, const struct unit *unit,
					   struct unit_result *result)
{
	const struct unit_tables *shared = worker->shared;

	worker->unit = unit;
	worker->result = result;
	worker->work_most =
		shared->work_a_byte ? UNIT_WORK + unit->whole * shared->work_a_byte : UINT64_MAX;
	result->bytes = range_bytes(unit->range);
	worker->run = &shared->runs->items.items[unit->run];
	worker->views = (struct view_source){
		.run = worker->run,
		.block = &shared->tables.chunks->blocks.items[worker->run->block],
		.header_bytes = shared->tables.chunks->header_bytes,
		.word = shared->tables.image->word,
	};
	raw_key_cache_clear(&worker->keys);
	if (shared->rules->rules.count)
		memset(worker->places, 0, shared->rules->rules.count * sizeof *worker->places);
	for (size_t i = 0; shared->given_up && i < shared->rules->rules.count; i++)
		worker->tallies[i].given_up = atomic_load(&shared->given_up[i]) ? GIVEN_UP_STRIKES : 0;
}

void unit_worker_begin_at(struct unit_worker *worker, const vaddr *from)
{
	const struct unit_tables *shared = worker->shared;
	vaddr chunk = runs_first_chunk(shared->runs, shared->tables.chunks, worker->unit);

	worker->from = from;
	for (size_t i = 0; i < shared->rules->rules.count; i++)
		if (from[i])
			worker->places[i] = (struct place){ chunk, from[i] };
}

void unit_worker_pay(struct unit_worker *worker, uint32_t rule)
{
	if (worker->owed_ns[rule])
		atomic_fetch_add_explicit(&worker->shared->spent_ns[rule], worker->owed_ns[rule],
								  memory_order_relaxed);
	worker->owed_ns[rule] = 0;
}

void unit_worker_finish(struct unit_worker *worker)
{
	for (uint32_t i = 0; i < worker->shared->rules->rules.count; i++) {
		struct rule_tally *tally = &worker->tallies[i];

		if (tally->places || tally->tried) /* a start's keyword may be the next unit's */
			*vec_add(&worker->result->tallies) = (struct unit_tally){ i, *tally };
		*tally = (struct rule_tally){ 0 };
		unit_worker_pay(worker, i);
	}
}
