#include "analyze/attribute/chunk_jobs.h"

#include "base/mem.h"
#include "base/vec.h"
#include "base/workers.h"

#include <stdlib.h>

enum { JOB_CHUNKS = 1 << 17 };

struct job {
	const struct chunk_block *block;
	size_t first, last;
};

struct jobs {
	VEC(struct job) items;
	chunk_jobs_count *count;
	void *context;
	struct tally *tallies; /* one for each worker */
};

static void run_job(void *context, size_t job, unsigned worker)
{
	struct jobs *jobs = context;
	const struct job *item = &jobs->items.items[job];

	jobs->count(jobs->context, item->block, item->first, item->last, &jobs->tallies[worker]);
}

static void add_block(struct jobs *jobs, const struct chunk_block *block)
{
	for (size_t first = 0; first < block->count; first += JOB_CHUNKS) {
		size_t last = block->count - first > JOB_CHUNKS ? first + JOB_CHUNKS : block->count;

		*vec_add(&jobs->items) = (struct job){ block, first, last };
	}
}

void chunk_jobs_run(const struct chunk_table *chunks, unsigned workers, chunk_jobs_count *count,
					void *context, struct tally *tally)
{
	struct jobs jobs = { .count = count, .context = context };

	workers = workers ? workers : 1;
	jobs.tallies = mem_zeroed(workers, sizeof *jobs.tallies);
	for (size_t i = 0; i < chunks->blocks.count; i++)
		add_block(&jobs, &chunks->blocks.items[i]);
	workers_run(workers, jobs.items.count, run_job, &jobs);
	for (unsigned i = 0; i < workers; i++) {
		tally_merge(tally, &jobs.tallies[i]);
		tally_deinit(&jobs.tallies[i]);
	}
	free(jobs.tallies);
	vec_deinit(&jobs.items);
}
