#include "analyze/attribute/holders.h"

#include "analyze/input/registers.h"
#include "base/mem.h"
#include "base/workers.h"

#include <stdlib.h>

enum { JOB_BYTES = 4 << 20 };

struct job {
	struct range range;
	struct holders found;
};

struct search {
	const struct image *image;
	const struct roots *roots;
	const struct chunk_table *table;
	struct range range;
	size_t limit;
	struct progress *progress;
	VEC(struct job) jobs;
};

/* A word that says an address in the range. What it is in decides whether it is a reference: links
 * of free lists, slots below a stack pointer and malloc_state are none. */
static void take(const struct search *search, struct pointers *pointers, struct job *job, vaddr at,
				 vaddr target)
{
	struct holder holder = { .at = at, .target = target };
	struct chunk_place place;
	struct chunk chunk;
	bool in_chunk = pointers_find(pointers, at, &place, &chunk);

	if (in_chunk && chunk_is_free(chunk.state)) {
		job->found.stale++;
	} else if (in_chunk && chunk_is_live(chunk.state)) {
		job->found.total++;
		if (job->found.chunks.count < search->limit)
			*vec_add(&job->found.chunks) = holder;
	} else if (roots_find(search->roots, at)) {
		job->found.total++;
		if (job->found.roots.count < search->limit)
			*vec_add(&job->found.roots) = holder;
	}
}

static void run_job(void *context, size_t index, unsigned worker)
{
	struct search *search = context;
	struct job *job = &search->jobs.items[index];
	struct pointers pointers = pointers_make(search->image, search->table), finder = pointers;
	struct range left = job->range;
	uint64_t bytes = range_bytes(search->range);
	unsigned word = search->image->word;
	struct span span;
	vaddr at;

	(void)worker;
	while ((span = pointers_next(&pointers, &left, &at)).size)
		for (size_t i = 0; i < span.size; i += word) {
			uint64_t value = pointers_word(span.data + i, word);

			if (value - search->range.start < bytes)
				take(search, &finder, job, at + i, value);
		}
	progress_add(search->progress, range_bytes(job->range));
}

static uint64_t make_jobs(struct search *search)
{
	uint64_t total = 0;

	for (size_t i = 0; i < search->image->pieces.count; i++) {
		struct range range = search->image->pieces.items[i].range;

		total += range_bytes(range);
		for (; range_bytes(range) > JOB_BYTES; range.start += JOB_BYTES)
			*vec_add(&search->jobs) =
				(struct job){ .range = { range.start, range.start + JOB_BYTES } };
		*vec_add(&search->jobs) = (struct job){ .range = range };
	}
	return total;
}

static void find_registers(struct holders *holders, const struct core *core,
						   const struct search *search)
{
	for (size_t i = 0; i < core->threads.count; i++) {
		const struct core_thread *thread = &core->threads.items[i];
		size_t count = registers_count(core, thread);

		for (size_t j = 0; j < count; j++) {
			uint64_t value = registers_get(core, thread, j);

			if (!range_holds(search->range, value))
				continue;
			holders->total++;
			if (holders->registers.count < search->limit)
				*vec_add(&holders->registers) =
					(struct holder){ .target = value, .thread = i, .index = j };
		}
	}
}

/* Jobs come by ascending address. */
static void take_job(struct holders *holders, const struct job *job, size_t limit)
{
	holders->total += job->found.total;
	holders->stale += job->found.stale;
	for (size_t i = 0; i < job->found.roots.count && holders->roots.count < limit; i++)
		*vec_add(&holders->roots) = job->found.roots.items[i];
	for (size_t i = 0; i < job->found.chunks.count && holders->chunks.count < limit; i++)
		*vec_add(&holders->chunks) = job->found.chunks.items[i];
}

void holders_find(struct holders *holders, const struct core *core, const struct image *image,
				  const struct roots *roots, const struct chunk_table *table, struct range range,
				  size_t limit, unsigned workers, struct progress *progress)
{
	struct search search = { image, roots, table, range, limit, progress, { 0 } };

	*holders = (struct holders){ 0 };
	progress_start(progress, "looking for pointers", make_jobs(&search));
	workers_run(workers, search.jobs.count, run_job, &search);
	progress_end(progress);
	find_registers(holders, core, &search);
	for (size_t i = 0; i < search.jobs.count; i++) {
		take_job(holders, &search.jobs.items[i], limit);
		holders_deinit(&search.jobs.items[i].found);
	}
	vec_deinit(&search.jobs);
}

void holders_deinit(struct holders *holders)
{
	vec_deinit(&holders->registers);
	vec_deinit(&holders->roots);
	vec_deinit(&holders->chunks);
}
