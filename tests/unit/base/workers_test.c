#include "tests/unit/unit.h"

#include "base/workers.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { JOBS = 1000, WORKERS = 8 };

struct tally {
	atomic_int runs[JOBS];
	atomic_int busy[WORKERS];
	atomic_bool clash;
};

static void count_run(void *context, size_t job, unsigned worker)
{
	struct tally *tally = context;

	if (atomic_fetch_add(&tally->busy[worker], 1) != 0)
		atomic_store(&tally->clash, true);
	atomic_fetch_add(&tally->runs[job], 1);
	atomic_fetch_sub(&tally->busy[worker], 1);
}

static void every_job_runs_once(void **state)
{
	static struct tally tally;

	(void)state;
	workers_run(WORKERS, JOBS, count_run, &tally);
	for (size_t i = 0; i < JOBS; i++)
		assert_int_equal(tally.runs[i], 1);
	assert_false(tally.clash);
}

static void no_jobs_and_no_workers_are_fine(void **state)
{
	static struct tally tally;

	(void)state;
	workers_run(WORKERS, 0, count_run, &tally);
	workers_run(0, 1, count_run, &tally);
	assert_int_equal(tally.runs[0], 1);
	assert_true(workers_available() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_runs_once),
		cmocka_unit_test(no_jobs_and_no_workers_are_fine),
	};

	return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
