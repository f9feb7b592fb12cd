#include "analyze/content/scan.h"

#include "analyze/content/join.h"
#include "analyze/content/keyword_search.h"
#include "analyze/content/resume.h"
#include "analyze/content/runs.h"
#include "analyze/content/stress.h"
#include "analyze/content/streams.h"
#include "analyze/content/unit_scan.h"
#include "base/mem.h"
#include "base/workers.h"

#include <pthread.h>
#include <stdlib.h>

struct scan {
	struct unit_tables shared;
	struct runs runs;
	struct unit_worker **workers;
	unsigned worker_count;
	bool *applies;
	struct progress *progress;
	struct findings *findings;
	uint64_t look_budget;
	atomic_bool failed;

	/* units are joined in address order, by whoever finishes the one that is due */
	pthread_mutex_t lock;
	struct join *join;
	struct unit_worker *resumer;
	struct unit_result *results; /* per unit */
	atomic_bool *done;           /* per unit, and one that never is */
	atomic_size_t due;
};

static void join_one(struct scan *scan, size_t due)
{
	struct unit_result *result = &scan->results[due];

	if (!atomic_load(&scan->failed) &&
		!resume_unit(scan->join, scan->resumer, &scan->runs.units.items[due], result))
		atomic_store(&scan->failed, true);
	join_unit(scan->join, result);
	unit_result_deinit(result);
}

/* Joins what is due, unless another worker is at it: that one looks again when it is through. */
static void join_due(struct scan *scan)
{
	size_t units = scan->runs.units.count;

	while (atomic_load(&scan->done[atomic_load(&scan->due)]) &&
		   pthread_mutex_trylock(&scan->lock) == 0) {
		size_t due = atomic_load(&scan->due);

		for (; due < units && atomic_load(&scan->done[due]); due++)
			join_one(scan, due);
		atomic_store(&scan->due, due);
		pthread_mutex_unlock(&scan->lock);
	}
}

static void scan_job(void *context, size_t job, unsigned worker)
{
	struct scan *scan = context;
	const struct unit *unit = &scan->runs.units.items[job];

	if (!atomic_load(&scan->failed) && !unit_scan(scan->workers[worker], unit, &scan->results[job]))
		atomic_store(&scan->failed, true);
	atomic_store(&scan->done[job], true);
	join_due(scan);
	if (scan->progress)
		progress_add(scan->progress, range_bytes(unit->range));
}

static bool create_workers(struct scan *scan, unsigned count, struct err *err)
{
	scan->workers = mem_zeroed(count, sizeof(struct unit_worker *));
	for (; scan->worker_count < count; scan->worker_count++) {
		scan->workers[scan->worker_count] = unit_worker_create(&scan->shared, err);
		if (!scan->workers[scan->worker_count])
			return false;
	}
	scan->resumer = unit_worker_create(&scan->shared, err);
	return scan->resumer;
}

static bool run(struct scan *scan, unsigned workers, struct err *err)
{
	bool good;

	if (!create_workers(scan, workers ? workers : 1, err))
		return false;
	if (scan->progress)
		progress_start(scan->progress, "content", scan->runs.bytes);
	workers_run(scan->worker_count, scan->runs.units.count, scan_job, scan);
	if (scan->progress)
		progress_end(scan->progress);
	join_due(scan);
	if (atomic_load(&scan->failed))
		return err_set(err, ERR_SYSTEM, "libhs failed while scanning for keywords");
	good = streams_run(scan->findings, scan->join, &scan->shared, scan->look_budget,
					   scan->worker_count, scan->progress, err);
	join_finish(scan->join);
	return good;
}

/* Odd, so that rules that take turns at the same keywords are all met. Reading the processor's
 * clock takes as long as some attempts do. */
enum { SAMPLING = 509 };

static void scan_deinit(struct scan *scan)
{
	join_destroy(scan->join);
	pthread_mutex_destroy(&scan->lock);
	for (unsigned i = 0; i < scan->worker_count; i++)
		unit_worker_destroy(scan->workers[i]);
	unit_worker_destroy(scan->resumer);
	keyword_search_destroy(scan->shared.search);
	free(scan->results);
	free(scan->done);
	free(scan->workers);
	free(scan->applies);
	unit_tables_deinit(&scan->shared);
	free(scan->shared.spent_ns);
	free(scan->shared.given_up);
	runs_deinit(&scan->runs);
}

/* CPU for one rule, without that of validators which count their work: ten seconds and 20 ns a byte
 * is hundred times what most rules take. Patterns that run away are ended by their strikes, and
 * validators by their work, both the same on any machine; this ends only what would hardly end
 * otherwise, and a report says where it did. */
static uint64_t budget_of(uint64_t bytes, uint64_t look_budget)
{
	return UINT64_C(10000000000) + 20 * bytes + 2 * look_budget;
}

/* A rule without keywords is tried at every byte. Where its pattern is known to run away, it would
 * be given up after a few strikes on one heap, and on another, whose text it gets through, never
 * end: it is not begun. */
static void give_up_runaways(struct scan *scan)
{
	const struct rule_set *set = scan->shared.rules;

	for (size_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];
		bool everywhere = rule->confirm && !rule->keywords.count &&
						  rule->scan.anchor == RULE_ANCHOR_ANY && scan->applies[i];

		atomic_init(&scan->shared.given_up[i], everywhere && stress_runs_away(rule));
	}
}

static void scan_init(struct scan *scan, const struct rule_set *rules, const struct image *image,
					  const bool *wanted)
{
	scan->applies = mem_zeroed(rules->rules.count, sizeof *scan->applies);
	for (size_t i = 0; i < rules->rules.count; i++)
		scan->applies[i] = (!wanted || wanted[i]) &&
						   rule_applies(&rules->rules.items[i], image->machine, image->word);
	scan->shared.rules = rules;
	scan->shared.applies = scan->applies;
	scan->shared.spent_ns = mem_zeroed(rules->rules.count, sizeof *scan->shared.spent_ns);
	scan->shared.given_up = mem_zeroed(rules->rules.count, sizeof *scan->shared.given_up);
	give_up_runaways(scan);
	scan->shared.search =
		keyword_search_create(rules, scan->applies, scan->shared.given_up, KEYWORD_SEARCH_PATIENCE);
	scan->shared.sampling = SAMPLING;
	scan->shared.work_a_byte = UNIT_WORK_A_BYTE;
	unit_tables_init(&scan->shared);
}

/* Strikes: some, and one more every four units, so that one odd chunk in a large heap does not end
 * a rule; a strike costs a quarter of a millisecond, rarely two. */
static struct join_limits join_limits(const struct scan *scan)
{
	return (struct join_limits){ JOIN_HITS, JOIN_STRIKES + scan->runs.units.count / 4 };
}

static const char *disabled_note(const struct rule_set *rules)
{
	for (size_t i = 0; i < rules->rules.count; i++)
		if (rules->rules.items[i].confirm && !confirm_has_jit(rules->rules.items[i].confirm))
			return "JIT is not allowed here (SELinux execmem or a seccomp filter): content rules "
				   "ran slower, and patterns hit their limit at other places than with JIT.";
	return "";
}

bool content_scan(struct findings *findings, const struct rule_set *rules,
				  const struct image *image, const struct regions *regions,
				  const struct chunk_table *chunks, const struct page_map *page_map,
				  unsigned workers, struct progress *progress, struct err *err)
{
	return content_scan_within(findings, rules, image, regions, chunks, page_map, STREAMS_BUDGET,
							   workers, progress, err);
}

bool content_scan_within(struct findings *findings, const struct rule_set *rules,
						 const struct image *image, const struct regions *regions,
						 const struct chunk_table *chunks, const struct page_map *page_map,
						 uint64_t look_budget, unsigned workers, struct progress *progress,
						 struct err *err)
{
	const struct scan_part all = { { 0, UINT64_MAX }, NULL, look_budget, 0 };

	return content_scan_part(findings, rules, image, regions, chunks, page_map, &all, workers,
							 progress, err);
}

bool content_scan_part(struct findings *findings, const struct rule_set *rules,
					   const struct image *image, const struct regions *regions,
					   const struct chunk_table *chunks, const struct page_map *page_map,
					   const struct scan_part *part, unsigned workers, struct progress *progress,
					   struct err *err)
{
	struct scan scan = {
		.progress = progress,
		.findings = findings,
		.look_budget = part->look_budget,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	bool good;

	*findings = (struct findings){ .disabled_note = disabled_note(rules) };
	scan.shared.tables = (struct structure_tables){ image, regions, chunks };
	scan.shared.runs = &scan.runs;
	scan_init(&scan, rules, image, part->wanted);
	runs_init(&scan.runs, image, chunks, page_map,
			  part->unit_bytes ? part->unit_bytes : UNIT_BYTES);
	runs_keep(&scan.runs, part->range);
	scan.shared.budget_ns = budget_of(scan.runs.bytes, part->look_budget);
	scan.results = mem_zeroed(scan.runs.units.count, sizeof *scan.results);
	scan.done = mem_zeroed(scan.runs.units.count + 1, sizeof *scan.done);
	scan.join =
		join_create(rules, scan.applies, join_limits(&scan), scan.shared.given_up, findings);
	good = run(&scan, workers, err);
	scan_deinit(&scan);
	return good;
}
