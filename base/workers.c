#include "base/workers.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct loop {
	atomic_size_t next;
	size_t count;
	workers_job *job;
	void *context;
};

struct worker {
	struct loop *loop;
	unsigned index;
	pthread_t thread;
	int started;
};

unsigned workers_available(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return count > 0 ? (unsigned)count : 1;
}

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct loop *loop = worker->loop;
	size_t job;

	while ((job = atomic_fetch_add(&loop->next, 1)) < loop->count)
		loop->job(loop->context, job, worker->index);
	return NULL;
}

void workers_run(unsigned workers, size_t count, workers_job *job, void *context)
{
	struct loop loop = { .count = count, .job = job, .context = context };
	unsigned threads = workers < count ? workers : (unsigned)count;
	AUTO_FREE struct worker *team = mem_zeroed(threads ? threads : 1, sizeof *team);

	for (unsigned i = 1; i < threads; i++) {
		team[i] = (struct worker){ .loop = &loop, .index = i };
		team[i].started = pthread_create(&team[i].thread, NULL, worker_main, &team[i]) == 0;
	}
	team[0] = (struct worker){ .loop = &loop };
	worker_main(&team[0]);
	for (unsigned i = 1; i < threads; i++)
		if (team[i].started)
			pthread_join(team[i].thread, NULL);
}
