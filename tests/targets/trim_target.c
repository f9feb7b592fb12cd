/* trim_target: a program whose freed memory has a chosen shape, and which trims on request.
 *
 * usage: trim_target fragmented|burst|arenas|large [sbrk-inside|sbrk-behind|blocked]
 *
 * Builds the shape, prints READY, calls malloc_trim(0) and prints TRIMMED for each line it reads,
 * and lives until stdin ends. Nothing else allocates or frees meanwhile. The second word: somebody
 * else moves the break before the last block is there, or behind all of them; or the break cannot
 * move, so that the main arena goes on in mappings. */
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCKS = 60000, THREADS = 6, LARGE_BLOCKS = 12, FOREIGN_BYTES = 300000 };

static pthread_barrier_t built;
static bool foreign_inside;
static char *volatile kept[BLOCKS]; /* so that no compiler drops what is never read */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static char *filled(size_t size)
{
	char *block = malloc(size);

	if (!block) {
		perror("trim_target: malloc");
		exit(1);
	}
	memset(block, 'x', size);
	return block;
}

/* Memory of somebody else at the break. */
static void move_break(void)
{
	char *foreign = sbrk(FOREIGN_BYTES);

	if (foreign == (char *)-1) {
		perror("trim_target: sbrk");
		exit(1);
	}
	memset(foreign, 'f', FOREIGN_BYTES);
}

/* A mapping where the break would go next. */
static void block_break(void)
{
	void *at;

	free(filled(100));
	at = (void *)(((uintptr_t)sbrk(0) + 4095) & -(uintptr_t)4096);
	if (mmap(at, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at) {
		perror("trim_target: mmap at the break");
		exit(1);
	}
}

/* Blocks of all sizes, of which a random half is freed: small ones end in caches and fastbins, and
 * live neighbours keep most pages. */
static void fragment(char *volatile *blocks, size_t count, uint64_t random)
{
	for (size_t i = 0; i < count; i++) {
		if (foreign_inside && i == count / 2)
			move_break();
		blocks[i] = filled(24 + next_random(&random) % (i % 10 ? 1000 : 24000));
	}
	for (size_t i = 0; i < count; i++)
		if (next_random(&random) % 2)
			free(blocks[i]);
}

/* All freed at once, below a block that stays: the largest part is no top chunk. */
static void burst(void)
{
	for (size_t i = 0; i < BLOCKS / 2; i++)
		kept[i] = filled(800);
	kept[BLOCKS / 2] = filled(800);
	if (foreign_inside)
		move_break();
	for (size_t i = BLOCKS / 2 + 1; i < BLOCKS; i++)
		kept[i] = filled(800);
	for (size_t i = 0; i < BLOCKS; i++)
		if (i != BLOCKS / 2)
			free(kept[i]);
}

static void *work(void *number)
{
	size_t share = BLOCKS / THREADS, at = (size_t)(uintptr_t)number * share;

	fragment(kept + at, share, at + 1);
	pthread_barrier_wait(&built);
	pause();
	return NULL;
}

static void arenas(void)
{
	pthread_t thread;

	pthread_barrier_init(&built, NULL, THREADS + 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, work, (void *)i) != 0) {
			perror("trim_target: pthread_create");
			exit(1);
		}
	pthread_barrier_wait(&built);
}

/* In the arena, not mapped one by one; half of each freed one was never touched. */
static void large(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	for (size_t i = 0; i < LARGE_BLOCKS; i++) {
		size_t size = (3 << 20) + i * 4321;

		kept[i] = malloc(size);
		if (!kept[i])
			exit(1);
		memset(kept[i], 'x', size / 2);
	}
	for (size_t i = 0; i < LARGE_BLOCKS; i += 2)
		free(kept[i]);
}

int main(int argc, char **argv)
{
	const char *shape = argc >= 2 ? argv[1] : "", *trouble = argc == 3 ? argv[2] : "";
	char byte;

	mallopt(M_TRIM_THRESHOLD, 1 << 30); /* only what we trim is trimmed */
	foreign_inside = strcmp(trouble, "sbrk-inside") == 0;
	if (strcmp(trouble, "blocked") == 0)
		block_break();
	if (strcmp(shape, "fragmented") == 0)
		fragment(kept, BLOCKS, 1);
	else if (strcmp(shape, "burst") == 0)
		burst();
	else if (strcmp(shape, "arenas") == 0)
		arenas();
	else if (strcmp(shape, "large") == 0)
		large();
	else
		return fprintf(stderr, "usage: trim_target fragmented|burst|arenas|large [TROUBLE]\n"), 2;
	if (strcmp(trouble, "sbrk-behind") == 0)
		move_break();
	if (write(1, "READY\n", 6) != 6)
		return 1;
	while (read(0, &byte, 1) > 0) {
		malloc_trim(0);
		if (write(1, "TRIMMED\n", 8) != 8)
			return 1;
	}
	_exit(0);
}
