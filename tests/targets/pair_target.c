/* pair_target: memory that tells whether a snapshot of it shows one instant.
 *
 * usage: pair_target THREADS MEGABYTES write|calm|still
 *
 * Each thread maps MEGABYTES of private memory. The first page holds counter a, the last page
 * counter b, each in a block that starts with a magic text. The thread counts n upwards for ever:
 *
 *     a = n; one page between = n; b = n
 *
 * The page is the one with index n modulo the number of pages between. So at any instant a == b or
 * a == b + 1, and each page holds the largest n up to b that falls on it: one stale page or one
 * page too new shows. With `still` the pages between are written once and only the counters rise.
 *
 * Prints a line "pair THREAD A_ADDRESS B_ADDRESS" for each thread, then READY, and answers each
 * line on stdin with PONG. Ends when stdin does. */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MAX_THREADS = 64, PAGE = 4096, CALM_COUNTS = 8, CALM_NS = 1000000 };

static const char magic[16] = "dumpcore-pairs-1";

struct block {
	char magic[16];
	uint64_t thread;
	uint64_t role; /* 'a' or 'b' */
	volatile uint64_t counter;
};

struct counter {
	pthread_t thread;
	pthread_barrier_t *filled;
	uint64_t number;
	bool writes;
	bool rests;
	char *memory;
	size_t pages; /* between the two blocks */
	struct block *a, *b;
};

static struct block *make_block(char *page, uint64_t thread, char role)
{
	struct block *block = (struct block *)page;

	memcpy(block->magic, magic, sizeof magic);
	block->thread = thread;
	block->role = (uint64_t)role;
	return block;
}

/* The stores stay in this order: the compiler keeps that of volatiles, x86 that of stores. */
static void count_up(const struct counter *counter, uint64_t n, bool writes)
{
	volatile uint64_t *page = (uint64_t *)(counter->memory + (1 + n % counter->pages) * PAGE);

	counter->a->counter = n;
	if (writes)
		*page = n;
	counter->b->counter = n;
}

static void *run_counter(void *argument)
{
	struct timespec nap = { .tv_nsec = CALM_NS };
	struct counter *counter = argument;
	uint64_t n = 0;

	while (n < counter->pages)
		count_up(counter, ++n, true);
	pthread_barrier_wait(counter->filled);
	for (;;) {
		count_up(counter, ++n, counter->writes);
		if (counter->rests && n % CALM_COUNTS == 0)
			nanosleep(&nap, NULL);
	}
	return NULL;
}

static bool start_counter(struct counter *counter, size_t bytes)
{
	counter->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (counter->memory == MAP_FAILED)
		return false;
	counter->pages = bytes / PAGE - 2;
	counter->a = make_block(counter->memory, counter->number, 'a');
	counter->b = make_block(counter->memory + bytes - PAGE, counter->number, 'b');
	return pthread_create(&counter->thread, NULL, run_counter, counter) == 0;
}

static int usage(void)
{
	fputs("usage: pair_target THREADS MEGABYTES write|calm|still\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static struct counter counters[MAX_THREADS];
	size_t threads = argc > 1 ? (size_t)atol(argv[1]) : 0;
	size_t bytes = (argc > 2 ? (size_t)atol(argv[2]) : 0) << 20;
	pthread_barrier_t filled;
	char line[80];

	if (argc != 4 || threads < 1 || threads > MAX_THREADS || !bytes)
		return usage();
	pthread_barrier_init(&filled, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++) {
		counters[i].filled = &filled;
		counters[i].number = i;
		counters[i].writes = strcmp(argv[3], "still") != 0;
		counters[i].rests = strcmp(argv[3], "calm") == 0;
		if (!start_counter(&counters[i], bytes))
			return perror("pair_target"), 1;
	}
	pthread_barrier_wait(&filled);
	for (size_t i = 0; i < threads; i++)
		printf("pair %zu 0x%" PRIxPTR " 0x%" PRIxPTR "\n", i, (uintptr_t)counters[i].a,
			   (uintptr_t)counters[i].b);
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		puts("PONG");
		fflush(stdout);
	}
	return 0;
}
