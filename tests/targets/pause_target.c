/* pause_target: a process of a chosen size that notices when it stands still.
 *
 * usage: pause_target MEGABYTES THREADS idle|calm|write [malloc|mmap]
 *
 * Each thread fills its share, in malloc chunks (the default) or in one mapping, and then sleeps or
 * writes to one page after the other: without pause, or (calm) some pages each millisecond. A timer
 * thread sleeps 100 us at a time and keeps the longest gap between two of its rounds, with
 * SCHED_FIFO where that is permitted, so that the other threads do not delay it.
 *
 * Prints "timer fifo" or "timer other", then READY. Answers each line on stdin with
 * "GAP nanoseconds": the longest gap since the answer before. Ends when stdin does. */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_THREADS = 256,
	PAGE = 4096,
	CHUNK = 64 << 10,
	TIMER_NS = 100000,
	TIMER_PRIORITY = 50,
	CALM_PAGES = 8,
	CALM_NS = 1000000
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *filled;
	size_t bytes;
	bool maps;
	bool writes;
	bool rests;
	char **chunks;
	size_t count;
	size_t chunk_bytes;
};

static _Atomic uint64_t longest_gap, rounds;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A gap that was just asked for is not lost: only a longer one replaces what stands there. */
static void keep_longest(uint64_t gap)
{
	uint64_t known = atomic_load(&longest_gap);

	while (gap > known && !atomic_compare_exchange_weak(&longest_gap, &known, gap))
		;
}

static void *run_timer(void *argument)
{
	struct timespec nap = { 0, TIMER_NS };
	uint64_t last = now_ns();

	(void)argument;
	for (;;) {
		uint64_t now;

		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		now = now_ns();
		keep_longest(now - last);
		last = now;
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static const char *start_timer(void)
{
	struct sched_param priority = { .sched_priority = TIMER_PRIORITY };
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_timer, NULL))
		return "none";
	return pthread_setschedparam(thread, SCHED_FIFO, &priority) == 0 ? "fifo" : "other";
}

static char *make_chunk(const struct worker *worker)
{
	char *chunk = worker->maps ? mmap(NULL, worker->chunk_bytes, PROT_READ | PROT_WRITE,
									  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
							   : malloc(worker->chunk_bytes);

	if (!chunk || chunk == MAP_FAILED) {
		perror("pause_target");
		exit(1);
	}
	return chunk;
}

static void fill(struct worker *worker)
{
	worker->chunk_bytes = worker->maps ? worker->bytes : CHUNK;
	worker->count = worker->bytes / worker->chunk_bytes;
	worker->chunks = calloc(worker->count, sizeof *worker->chunks);
	for (size_t i = 0; i < worker->count; i++) {
		worker->chunks[i] = make_chunk(worker);
		memset(worker->chunks[i], (int)('a' + i % 26), worker->chunk_bytes);
	}
}

static void write_all(const struct worker *worker)
{
	struct timespec nap = { .tv_nsec = CALM_NS };

	for (size_t i = 0; i < worker->count; i++)
		for (size_t at = 0; at < worker->chunk_bytes; at += PAGE) {
			++*(volatile char *)(worker->chunks[i] + at);
			if (worker->rests && at / PAGE % CALM_PAGES == 0)
				nanosleep(&nap, NULL);
		}
}

static void *run_worker(void *argument)
{
	struct worker *worker = argument;

	fill(worker);
	pthread_barrier_wait(worker->filled);
	while (worker->writes)
		write_all(worker);
	for (;;)
		pause();
	return NULL;
}

/* After a pause this thread may run before the timer does: the gap is known when a whole round of
 * the timer is over. */
static void wait_round(void)
{
	struct timespec nap = { 0, TIMER_NS };
	uint64_t start = atomic_load(&rounds);

	while (atomic_load(&rounds) - start < 2)
		nanosleep(&nap, NULL);
}

static void answer_gaps(void)
{
	char line[80];

	while (fgets(line, sizeof line, stdin)) {
		wait_round();
		printf("GAP %" PRIu64 "\n", atomic_exchange(&longest_gap, 0));
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static struct worker workers[MAX_THREADS];
	size_t bytes = (argc > 1 ? (size_t)atol(argv[1]) : 0) << 20;
	size_t threads = argc > 2 ? (size_t)atol(argv[2]) : 0;
	pthread_barrier_t filled;

	if (argc < 4 || !bytes || threads < 1 || threads > MAX_THREADS) {
		fputs("usage: pause_target MEGABYTES THREADS idle|calm|write [malloc|mmap]\n", stderr);
		return 2;
	}
	pthread_barrier_init(&filled, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .filled = &filled,
									  .bytes = bytes / threads,
									  .maps = argc > 4 && strcmp(argv[4], "mmap") == 0,
									  .writes = strcmp(argv[3], "idle") != 0,
									  .rests = strcmp(argv[3], "calm") == 0 };
		if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]))
			return perror("pause_target"), 1;
	}
	pthread_barrier_wait(&filled);
	printf("timer %s\nREADY\n", start_timer());
	fflush(stdout);
	answer_gaps();
	return 0;
}
