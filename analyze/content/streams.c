#include "analyze/content/streams.h"

#include "analyze/content/inside.h"
#include "analyze/content/look.h"
#include "analyze/content/source_name.h"
#include "base/mem.h"
#include "base/workers.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Looked into before the next ones are begun: what waits to be joined, and what was done in vain
 * when the budget ends, is bounded. */
enum { BATCH = 128 };

struct streams {
	const struct unit_tables *heap;
	const struct sources *sources;
	struct findings *findings;
	struct join *join;
	struct inside *inside;
	struct source_namer namer; /* of what is not looked into */
	bool *applies;
	struct look_worker **workers;
	unsigned worker_count;
	struct progress *progress;
	atomic_bool failed;
	size_t first;  /* of the batch at hand */
	vaddr covered; /* up to here the heap is a stream that was looked into */
	uint64_t made; /* bytes of those of the batch that count */
	struct look looks[BATCH];
};

static int compare_sources(const void *left, const void *right)
{
	const struct source *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->hit > b->hit) - (a->hit < b->hit);
}

/* Of several rules that name a stream one has it: the one with the highest priority, then the one
 * that comes first. */
static void drop_repeated(const struct rule_set *set, struct sources *sources)
{
	size_t kept = 0;

	for (size_t i = 0; i < sources->items.count; i++) {
		const struct source *source = &sources->items.items[i];
		struct source *last = kept ? &sources->items.items[kept - 1] : NULL;

		if (!last || !source->at || last->at != source->at)
			sources->items.items[kept++] = *source;
		else if (set->rules.items[source->rule].priority > set->rules.items[last->rule].priority)
			*last = *source;
	}
	sources->items.count = kept;
}

static const struct source *source_at(const struct streams *streams, size_t job)
{
	return &streams->sources->items.items[streams->first + job];
}

static void look_job(void *context, size_t job, unsigned worker)
{
	struct streams *streams = context;
	const struct source *source = source_at(streams, job);
	struct look *look = &streams->looks[job];

	if (source->at && !atomic_load(&streams->failed) &&
		!look_into(streams->workers[worker], source, look))
		atomic_store(&streams->failed, true);
	if (streams->progress)
		progress_add(streams->progress, look_cost(look));
}

/* Names the hit of a source that is not looked into. */
static void pass_by(struct streams *streams, const struct source *source, const char *why)
{
	struct span_index name = { 0 };

	if (source->content)
		source_name_none(&streams->namer, source, why, &name);
	if (name.items.count)
		join_name(streams->join, source, name.items.items[0]);
	span_index_deinit(&name);
}

static void join_look(struct streams *streams, const struct source *source, const struct look *look)
{
	struct findings *findings = streams->findings;

	if (!source->at) {
		pass_by(streams, source, "(no window)");
	} else if (findings->look_spent >= findings->look_budget) {
		pass_by(streams, source, "(not looked at)");
		findings->rules.items[join_rule(streams->join, source->rule)].packed.over_budget++;
	} else {
		findings->look_spent += look_cost(look);
		if (source->at < streams->covered)
			return; /* stored in the stream before, with which it was counted */
		inside_add(streams->inside, source, look);
		streams->made += look->made;
		if (look->covers)
			streams->covered = source->at + look->covers;
	}
}

static void run_batch(struct streams *streams, size_t count)
{
	if (streams->findings->look_spent < streams->findings->look_budget)
		workers_run(streams->worker_count, count, look_job, streams);
	for (size_t i = 0; i < count; i++) {
		join_look(streams, source_at(streams, i), &streams->looks[i]);
		look_deinit(&streams->looks[i]);
		streams->looks[i] = (struct look){ 0 };
	}
	join_searched(streams->join, streams->made);
	streams->made = 0;
}

static void count_dropped(struct streams *streams)
{
	for (uint32_t i = 0; i < streams->heap->rules->rules.count; i++)
		if (streams->sources->dropped[i])
			streams->findings->rules.items[join_rule(streams->join, i)].packed.over_budget +=
				streams->sources->dropped[i];
}

static bool create_workers(struct streams *streams, unsigned count, struct err *err)
{
	streams->workers = mem_zeroed(count, sizeof(struct look_worker *));
	for (; streams->worker_count < count; streams->worker_count++) {
		struct look_worker *worker = look_worker_create(streams->heap, streams->applies, err);

		if (!worker)
			return false;
		streams->workers[streams->worker_count] = worker;
	}
	return true;
}

static bool run(struct streams *streams, unsigned workers, struct err *err)
{
	size_t count = streams->sources->items.count;

	if (!create_workers(streams, workers, err))
		return false;
	if (streams->progress)
		progress_start(streams->progress, "streams", 0);
	for (; streams->first < count && !atomic_load(&streams->failed); streams->first += BATCH) {
		size_t left = count - streams->first;

		run_batch(streams, left < BATCH ? left : BATCH);
	}
	count_dropped(streams);
	if (streams->progress)
		progress_end(streams->progress);
	return !atomic_load(&streams->failed) ||
		   err_set(err, ERR_SYSTEM, "libhs failed while scanning what streams hold");
}

/* A text has no chunks that structures could be in. */
static bool *patterns_of(const struct unit_tables *heap)
{
	size_t count = heap->rules->rules.count;
	bool *applies = mem_zeroed(count, sizeof *applies);

	for (size_t i = 0; i < count; i++)
		applies[i] = heap->applies[i] && heap->rules->rules.items[i].confirm;
	return applies;
}

bool streams_run(struct findings *findings, struct join *join, const struct unit_tables *heap,
				 uint64_t budget, unsigned workers, struct progress *progress, struct err *err)
{
	struct sources *sources = join_sources(join);
	struct streams *streams;
	bool good;

	findings->look_budget = budget;
	if (!sources->items.count)
		return true;
	vec_sort(&sources->items, compare_sources);
	drop_repeated(heap->rules, sources);
	streams = mem_zeroed(1, sizeof *streams);
	streams->heap = heap;
	streams->sources = sources;
	streams->findings = findings;
	streams->join = join;
	streams->inside = inside_create(heap->rules, join, findings);
	streams->namer.rules = heap->rules;
	streams->applies = patterns_of(heap);
	streams->progress = progress;
	good = run(streams, workers, err);
	for (unsigned i = 0; i < streams->worker_count; i++)
		look_worker_destroy(streams->workers[i]);
	inside_destroy(streams->inside);
	source_namer_deinit(&streams->namer);
	free(streams->workers);
	free(streams->applies);
	free(streams);
	return good;
}
