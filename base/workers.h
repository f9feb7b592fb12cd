/* workers: a parallel for-loop over numbered jobs. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <stddef.h>

/* One job. `worker` is below the number of workers and never used by two threads at once, so it
 * indexes per-thread state. */
typedef void workers_job(void *context, size_t job, unsigned worker);

/* Online processors this process may run on, at least 1. */
unsigned workers_available(void);

/* Runs jobs 0..count-1 on up to `workers` threads (the calling one among them) and returns when all
 * are done. Jobs are started in order. Where a thread cannot be created the others do its work. */
void workers_run(unsigned workers, size_t count, workers_job *job, void *context);

#endif
