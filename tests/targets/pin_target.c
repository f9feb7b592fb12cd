/* pin_target: a program whose heaps would be empty but for a block in each.
 *
 * A thread fills three heaps of a secondary arena, the main thread brk memory, both with blocks
 * that no thread cache takes; all are freed but the middle one of each heap and the last of brk
 * memory. Prints "PIN ADDRESS" for each of these, then READY; frees them when it reads a line,
 * prints FREED, and lives until stdin ends. */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BLOCK_BYTES = 4000,
	THREAD_BLOCKS = 40000,
	MAIN_BLOCKS = 8000,
	PINS_MAX = 64,
	HEAP_SHIFT = 26
};

static char *blocks[THREAD_BLOCKS];
static char *pins[PINS_MAX];
static unsigned pin_count;
static pthread_barrier_t built, told, freed;

static void fill(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		blocks[i] = malloc(BLOCK_BYTES);
		if (!blocks[i])
			exit(1);
		memset(blocks[i], 'x', BLOCK_BYTES);
	}
}

static void free_rest(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(blocks[i]);
}

static uintptr_t heap_of(unsigned index)
{
	return (uintptr_t)blocks[index] >> HEAP_SHIFT;
}

static void *work(void *unused)
{
	unsigned middles[PINS_MAX];

	fill(THREAD_BLOCKS);
	for (unsigned first = 0, end = 1; end <= THREAD_BLOCKS; end++)
		if (end == THREAD_BLOCKS || heap_of(end) != heap_of(end - 1)) {
			middles[pin_count++] = first + (end - first) / 2;
			first = end;
		}
	for (unsigned i = 0; i < pin_count; i++) {
		pins[i] = blocks[middles[i]];
		blocks[middles[i]] = NULL;
	}
	free_rest(THREAD_BLOCKS);
	pthread_barrier_wait(&built);
	pthread_barrier_wait(&told);
	for (unsigned i = 0; i + 1 < pin_count; i++)
		free(pins[i]);
	pthread_barrier_wait(&freed);
	pause();
	return unused;
}

int main(void)
{
	static char buffer[BUFSIZ];
	pthread_t thread;
	char byte;

	setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
	pthread_barrier_init(&built, NULL, 2);
	pthread_barrier_init(&told, NULL, 2);
	pthread_barrier_init(&freed, NULL, 2);
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		return 1;
	pthread_barrier_wait(&built);
	fill(MAIN_BLOCKS);
	pins[pin_count++] = blocks[MAIN_BLOCKS - 1];
	blocks[MAIN_BLOCKS - 1] = NULL;
	free_rest(MAIN_BLOCKS);
	for (unsigned i = 0; i < pin_count; i++)
		printf("PIN %p\n", (void *)pins[i]);
	printf("READY\n");
	while (read(0, &byte, 1) > 0) {
		pthread_barrier_wait(&told);
		pthread_barrier_wait(&freed);
		free(pins[pin_count - 1]);
		printf("FREED\n");
	}
	_exit(0);
}
