/* churn_target: threads that allocate, resize, hand over and free without pause, so that a capture
 * of the running process shows lists and chunks of different instants.
 *
 * usage: churn_target THREADS
 *
 * Prints READY once every thread has allocated. Ends when stdin does. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 2000, SHARED = 64, LARGE = 300000 };

static atomic_int ready;
static _Atomic(void *) shared[SHARED];

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t choose_size(uint64_t *state)
{
	uint64_t kind = next_random(state) % 100;

	if (kind < 80)
		return 1 + next_random(state) % 400;
	return 1 + next_random(state) % (kind < 98 ? 5000 : LARGE);
}

/* Allocates what was freed before; every tenth block goes to another thread, which frees it. */
static void *churn(void *argument)
{
	uint64_t state = 88172645463325252u + (uintptr_t)argument;
	void **blocks = calloc(SLOTS, sizeof *blocks);

	for (uint64_t i = 0; blocks; i++) {
		void **slot = &blocks[next_random(&state) % SLOTS];

		if (next_random(&state) % 10 == 0)
			*slot = atomic_exchange(&shared[next_random(&state) % SHARED], *slot);
		if (next_random(&state) % 2) {
			free(*slot);
			*slot = NULL;
		} else {
			size_t size = choose_size(&state);
			void *resized = realloc(*slot, size);

			if (!resized)
				abort();
			*slot = resized;
			memset(*slot, (int)i, size < 64 ? size : 64);
		}
		if (i == 4 * SLOTS)
			atomic_fetch_add(&ready, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 2;
	pthread_t thread;
	char byte;

	for (intptr_t i = 1; i <= threads; i++)
		if (pthread_create(&thread, NULL, churn, (void *)(i * 7919)))
			return 1;
	while (atomic_load(&ready) < threads)
		usleep(1000);
	puts("READY");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}
