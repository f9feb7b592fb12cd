/* owner_target: a program that holds a known amount of memory, whatever malloc is.
 *
 * usage: owner_target MEGABYTES
 *
 * Two threads allocate blocks of 16 bytes to 3 MB, together at least so much, write to all of them
 * and keep them; every four megabytes one more is allocated and freed again. Then it prints "READY
 * BYTES", where BYTES is what it holds as it asked for it, and waits until standard input ends. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 2, MEGABYTE = 1 << 20, LARGE_EVERY = 4096 };

static atomic_uint_fast64_t held_bytes;
static uint64_t wanted_bytes; /* by each thread */
static pthread_barrier_t filled, ended;

static size_t next_size(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
	switch (*random >> 33 & 7) {
	case 0:
		return 1024 + (*random >> 40) % 15000;
	case 1:
		return *random >> 36 & 255 ? 16 + (*random >> 40) % 4000
								   : 16000 + (*random >> 40) % 3000000;
	default:
		return 16 + (*random >> 40) % 500;
	}
}

static void *fill(size_t bytes)
{
	char *block = malloc(bytes);

	if (!block) {
		perror("owner_target: malloc");
		exit(1);
	}
	memset(block, 'o', bytes);
	return block;
}

static void *work(void *argument)
{
	uint64_t random = 1 + (uintptr_t)argument, bytes = 0, since = 0;
	void **last = NULL; /* the blocks are a list, so that they stay reachable */

	while (bytes < wanted_bytes) {
		size_t size = next_size(&random);
		void **block = fill(size);

		*block = last;
		last = block;
		bytes += size;
		since += size;
		if (since >= 4 * MEGABYTE) {
			free(fill(MEGABYTE));
			since = 0;
		}
	}
	atomic_fetch_add(&held_bytes, bytes);
	pthread_barrier_wait(&filled);
	pthread_barrier_wait(&ended);
	return last;
}

int main(int count, char **arguments)
{
	pthread_t threads[THREADS];
	char byte;

	if (count != 2) {
		fprintf(stderr, "usage: owner_target MEGABYTES\n");
		return 2;
	}
	wanted_bytes = strtoull(arguments[1], NULL, 10) * MEGABYTE / THREADS;
	pthread_barrier_init(&filled, NULL, THREADS + 1);
	pthread_barrier_init(&ended, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i)) {
			fprintf(stderr, "owner_target: no thread\n");
			return 1;
		}
	pthread_barrier_wait(&filled);
	printf("READY %llu\n", (unsigned long long)held_bytes);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	pthread_barrier_wait(&ended);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
