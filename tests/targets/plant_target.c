/* plant_target: malloc chunks with the content that a plan asks for, freed where it asks for that.
 *
 * usage: plant_target PLAN BYTES ADDRESSES
 *
 * PLAN has a line an order; chunks are numbered from 0 in the order of their lines. BYTES is what
 * contents are copied from, at FROM.
 *
 * chunk THREAD ROUND SIZE FROM LENGTH: malloc(SIZE) by thread 0 or 1, filled with LENGTH bytes over
 * and over, with zeros where LENGTH is 0; freed in ROUND 1, 2 or 3 (0: never).
 *
 * put CHUNK AT FROM LENGTH: bytes into the chunk.
 *
 * word CHUNK AT WIDTH TARGET DELTA: into the chunk the address of chunk TARGET, plus DELTA.
 *
 * noise COUNT LEAST MOST FROM LENGTH: chunks of LEAST bytes and more, below MOST, each a random
 * part of the LENGTH bytes; LENGTH 0: what words of structures are, many of them pointers to such
 * chunks.
 *
 * Round 1 is freed before READY is printed. A line on stdin frees the others: round 2, then some
 * allocations of other sizes that make malloc merge and sort what it has, then round 3, and every
 * second chunk of noise; the answer is FREED. ADDRESSES gets the address of each chunk, 8 bytes
 * each, and behind them address and size of each chunk of noise. Ends when stdin does. All that is
 * not asked for stands in mappings, not in malloc's memory. */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MOST_CHUNKS = 20000000,
	THREADS = 2,
	ROUNDS = 4,
	MMAP_BYTES = 1 << 20,
	KEPT_BYTES = 512 << 20
};

struct plant {
	unsigned char *at;
	size_t size, from, length;
	int thread, round;
};

static struct plant *plants;
struct noise {
	uint64_t at, bytes;
};

static struct noise *noise;
static size_t plant_count, noise_count;
static const unsigned char *blob;
static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? (perror("mmap"), exit(1), NULL) : memory;
}

static const unsigned char *map_file(const char *path)
{
	int file = open(path, O_RDONLY);
	struct stat status;
	void *bytes;

	if (file < 0 || fstat(file, &status))
		return perror(path), exit(1), NULL;
	bytes =
		status.st_size ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
	close(file);
	return bytes;
}

/* xorshift64: the same noise in every run. */
static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static size_t draw_below(size_t limit)
{
	return limit ? (size_t)(draw() % limit) : 0;
}

static void fill(struct plant *plant)
{
	for (size_t at = 0; at < plant->size && plant->length; at += plant->length)
		memcpy(plant->at + at, blob + plant->from,
			   plant->size - at < plant->length ? plant->size - at : plant->length);
	if (!plant->length)
		memset(plant->at, 0, plant->size);
}

/* What malloc does between frees: large ones merge the fastbins and sort the bins. */
static void stir(void)
{
	static const size_t sizes[] = { 70000, 24, 3000, 100000, 600, 20000 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		void *volatile chunk = malloc(sizes[i]);

		free(chunk);
	}
}

/* The orders of one thread: round 0 allocates, the others free. */
struct job {
	int thread, round;
};

static void *work(void *argument)
{
	const struct job *job = argument;

	for (size_t i = 0; i < plant_count; i++) {
		struct plant *plant = &plants[i];

		if (plant->thread != job->thread || (job->round && plant->round != job->round))
			continue;
		if (job->round)
			free(plant->at);
		else
			plant->at = malloc(plant->size);
	}
	if (job->round == 2)
		stir();
	return NULL;
}

/* A thread for all rounds: its cache would be emptied where it ends. */
static pthread_barrier_t begin, end;
static int due_round;

static void *serve(void *argument)
{
	for (;;) {
		struct job job = { 1, 0 };

		pthread_barrier_wait(&begin);
		job.round = due_round;
		work(&job);
		pthread_barrier_wait(&end);
	}
	return argument;
}

static void do_round(int round)
{
	struct job own = { 0, round };

	due_round = round;
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
	work(&own);
}

/* Pointers, to chunks and into their own, numbers, nothing. */
static uint64_t draw_word(const unsigned char *chunk, size_t bytes)
{
	switch (draw_below(8)) {
	case 0:
		return (uint64_t)(uintptr_t)chunk + draw_below(bytes);
	case 1:
	case 2:
	case 3:
		return noise[draw_below(noise_count)].at;
	case 4:
		return draw_below(100);
	case 5:
		return draw_below(1 << 16) | draw_below(1 << 16) << 32;
	default:
		return 0;
	}
}

static void make_noise(size_t count, size_t least, size_t most, size_t from, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		size_t bytes = least + draw_below(draw_below(most - least) + 1); /* more small ones */
		unsigned char *chunk = malloc(bytes);

		noise[noise_count++] = (struct noise){ (uint64_t)(uintptr_t)chunk, bytes };
		if (length) {
			memcpy(chunk, blob + from + draw_below(length - bytes), bytes);
			continue;
		}
		for (size_t at = 0; at + 8 <= bytes; at += 8) {
			uint64_t word = draw_word(chunk, bytes);

			memcpy(chunk + at, &word, 8);
		}
		memset(chunk + bytes / 8 * 8, 0, bytes % 8);
	}
}

static void add_chunk(const char *line)
{
	struct plant *plant = &plants[plant_count++];

	if (plant_count > MOST_CHUNKS ||
		sscanf(line, "chunk %d %d %zu %zu %zu", &plant->thread, &plant->round, &plant->size,
			   &plant->from, &plant->length) != 5)
		exit(2);
}

/* Orders about chunks that are there. */
static void obey(const char *line)
{
	size_t a, b, c, d, e;
	long long delta;
	uint64_t value;

	if (sscanf(line, "put %zu %zu %zu %zu", &a, &b, &c, &d) == 4) {
		memcpy(plants[a].at + b, blob + c, d);
	} else if (sscanf(line, "word %zu %zu %zu %zu %lld", &a, &b, &c, &d, &delta) == 5) {
		value = (uint64_t)(uintptr_t)plants[d].at + (uint64_t)delta;
		memcpy(plants[a].at + b, &value, c);
	} else if (sscanf(line, "noise %zu %zu %zu %zu %zu", &a, &b, &c, &d, &e) == 5) {
		make_noise(a, b, c, d, e);
	} else if (strncmp(line, "chunk ", 6) != 0) {
		exit(2);
	}
}

static void write_addresses(const char *path)
{
	FILE *file = fopen(path, "w");

	for (size_t i = 0; i < plant_count; i++) {
		uint64_t at = (uint64_t)(uintptr_t)plants[i].at;

		fwrite(&at, sizeof at, 1, file);
	}
	fwrite(noise, sizeof *noise, noise_count, file);
	fclose(file);
}

static void read_plan(const char *path, void (*take)(const char *line), const char *only)
{
	FILE *file = fopen(path, "r");
	char line[160];

	while (fgets(line, sizeof line, file))
		if (!only || strncmp(line, only, strlen(only)) == 0)
			take(line);
	fclose(file);
}

int main(int argc, char **argv)
{
	static char input[4096];
	char line[80];
	pthread_t server;

	if (argc != 4)
		return 2;
	setvbuf(stdin, input, _IOLBF, sizeof input);
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES); /* both would change with what is freed */
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	plants = map(MOST_CHUNKS * sizeof *plants);
	noise = map(MOST_CHUNKS * sizeof *noise);
	blob = map_file(argv[2]);
	pthread_barrier_init(&begin, NULL, THREADS);
	pthread_barrier_init(&end, NULL, THREADS);
	if (pthread_create(&server, NULL, serve, NULL))
		return 1;
	read_plan(argv[1], add_chunk, "chunk ");
	do_round(0);
	for (size_t i = 0; i < plant_count; i++)
		fill(&plants[i]);
	read_plan(argv[1], obey, NULL);
	do_round(1);
	write_addresses(argv[3]);
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		for (int round = 2; round < ROUNDS; round++)
			do_round(round);
		for (size_t i = 1; i < noise_count; i += 2)
			free((void *)(uintptr_t)noise[i].at);
		puts("FREED");
		fflush(stdout);
	}
	return 0;
}
