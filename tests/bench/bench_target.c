/* bench_target: a process of a chosen size, to be measured.
 *
 * usage: bench_target MEGABYTES THREADS WRITE_MEGABYTES_PER_SECOND [LEAST MOST]
 *
 * Each thread fills its share with malloc chunks that hold text-like bytes, frees one in eight, and
 * then keeps writing to what it has. A chunk is asked for with LEAST to MOST bytes; without them
 * with 24 B to 64 KB, most of them small. Prints READY when the memory is there. Lives until stdin
 * ends. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 64, WRITE_EVERY_MS = 10 };

struct filler {
	pthread_t thread;
	pthread_barrier_t *filled;
	uint64_t random;
	size_t bytes;
	size_t write_bytes; /* in each interval */
	size_t least, most; /* of a chunk; 0: as real heaps are */
	char **chunks;
	size_t *sizes;
	size_t count;
};

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* Mostly small, as real heaps are: 24 B to 1 KB nine times in ten, else up to 64 KB. */
static size_t pick_size(struct filler *filler)
{
	uint64_t dice = next_random(&filler->random);

	if (filler->most)
		return filler->least + dice % (filler->most - filler->least + 1);
	return dice % 10 ? 24 + (dice >> 8) % 1000 : 1024 + (dice >> 8) % (63 * 1024);
}

/* Words with fresh letters between them, so that it compresses about as text does. */
static void fill_text(char *to, size_t size, uint64_t *random)
{
	static const char words[] = "customer=4711 status=shipped item=\"blue chair\" note=none; ";
	size_t at = next_random(random) % (sizeof words - 1);

	for (size_t i = 0; i < size; i++, at = at + 1 < sizeof words - 1 ? at + 1 : 0) {
		if (i % 24 == 0) {
			uint64_t letters = next_random(random);

			for (size_t end = i + 8 < size ? i + 8 : size; i < end; i++, letters >>= 8)
				to[i] = (char)('a' + letters % 26);
			i--;
			continue;
		}
		to[i] = words[at];
	}
}

static void fill(struct filler *filler)
{
	size_t capacity = filler->bytes / (filler->most ? filler->least + 16 : 256) + 16;
	size_t done = 0;

	filler->chunks = calloc(capacity, sizeof *filler->chunks);
	filler->sizes = calloc(capacity, sizeof *filler->sizes);
	while (done < filler->bytes && filler->count < capacity) {
		size_t size = pick_size(filler);

		filler->chunks[filler->count] = malloc(size);
		filler->sizes[filler->count] = size;
		fill_text(filler->chunks[filler->count++], size, &filler->random);
		done += size + 16;
	}
	for (size_t i = 0; i < filler->count; i++) {
		if (next_random(&filler->random) % 8)
			continue;
		free(filler->chunks[i]);
		filler->chunks[i] = NULL;
	}
}

static void write_some(struct filler *filler)
{
	for (size_t done = 0; done < filler->write_bytes;) {
		size_t i = next_random(&filler->random) % filler->count;

		if (filler->chunks[i])
			fill_text(filler->chunks[i], filler->sizes[i], &filler->random);
		done += filler->sizes[i];
	}
}

static void *run_filler(void *argument)
{
	struct filler *filler = argument;
	struct timespec interval = { 0, WRITE_EVERY_MS * 1000000L };

	fill(filler);
	pthread_barrier_wait(filler->filled);
	for (;;) {
		write_some(filler);
		nanosleep(&interval, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct filler fillers[MAX_THREADS];
	size_t megabytes = argc > 1 ? (size_t)atol(argv[1]) : 64;
	size_t threads = argc > 2 ? (size_t)atol(argv[2]) : 4;
	size_t write_megabytes = argc > 3 ? (size_t)atol(argv[3]) : 0;
	pthread_barrier_t filled;
	size_t least = argc > 5 ? (size_t)atol(argv[4]) : 0;
	size_t most = argc > 5 ? (size_t)atol(argv[5]) : 0;
	char line[80];

	if (threads < 1 || threads > MAX_THREADS || least > most)
		return 2;
	pthread_barrier_init(&filled, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++) {
		fillers[i].filled = &filled;
		fillers[i].random = 88172645463325252 + i;
		fillers[i].bytes = (megabytes << 20) / threads;
		fillers[i].least = least;
		fillers[i].most = most;
		fillers[i].write_bytes = (write_megabytes << 20) / threads * WRITE_EVERY_MS / 1000;
		if (pthread_create(&fillers[i].thread, NULL, run_filler, &fillers[i]))
			return 1;
	}
	pthread_barrier_wait(&filled);
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		;
	return 0;
}
