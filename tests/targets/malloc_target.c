/* malloc_target: a program that knows what its heap holds and writes it down.
 *
 * usage: malloc_target SEED THREADS OPERATIONS LOG
 *
 * THREADS threads (the first one is main) allocate, resize, hand over and free blocks of 24 bytes
 * to 500 KB, and some mapped ones up to 4 MB; as many again, divided by four, do the same and exit.
 * At the end half of all blocks are freed at random, so that caches and bins are filled. Then every
 * thread is blocked and nothing allocates any more; only now main writes LOG, with lines
 *
 *     libc VERSION
 *     thread TID ARENA      address of the malloc_state it used last, 0: not known
 *     live ADDRESS SIZE     SIZE as requested
 *     freed ADDRESS         freed and in no live block
 *     malloc_info           followed by the XML, then a line "end"
 *
 * prints READY and waits until stdin ends. Each live block starts with a text that names it. The
 * tables are mapped, not allocated, and the log is written from static memory, so that what
 * malloc_info prints is the state in which the process stays. */
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

enum {
	MAX_THREADS = 1024,
	SHARED_BLOCKS = 256,
	MAPPED_BLOCKS = 6,
	SMALL_END = MAPPED_BLOCKS + 200
};

struct block {
	char *pointer; /* NULL: empty */
	size_t size;
};

struct worker {
	pthread_t thread;
	unsigned number;
	int stays; /* blocked at the end; else it exits */
	pid_t tid;
	uintptr_t arena;
	uint64_t random;
	struct block *blocks;
	size_t block_count;
	uintptr_t *freed; /* every address that was ever freed */
	size_t freed_count;
};

static struct worker workers[MAX_THREADS];
static unsigned worker_count;
static size_t operations;
static struct block shared[SHARED_BLOCKS];
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t never = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t worked; /* by all threads */
static pthread_barrier_t alone;  /* those that stay */
static atomic_uint blocked;
static char output[1 << 16];

static void *map(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("malloc_target: mmap");
		exit(1);
	}
	return memory;
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
static uint64_t random_below(struct worker *worker, uint64_t limit)
{
	worker->random ^= worker->random >> 12;
	worker->random ^= worker->random << 25;
	worker->random ^= worker->random >> 27;
	return (worker->random * UINT64_C(0x2545F4914F6CDD1D) >> 16) % limit;
}

static size_t random_size(struct worker *worker)
{
	uint64_t kind = random_below(worker, 100);

	if (kind < 70)
		return 24 + random_below(worker, 1010);
	if (kind < 90)
		return 1034 + random_below(worker, 15000);
	if (kind < 98)
		return 16000 + random_below(worker, 100000);
	return 120000 + random_below(worker, 380000);
}

static void keep(struct worker *worker, struct block *block, char *pointer, size_t size)
{
	if (!pointer) {
		fprintf(stderr, "malloc_target: out of memory\n");
		exit(1);
	}
	*block = (struct block){ pointer, size };
	memset(pointer, 'a' + (int)(worker->number % 26), size);
	snprintf(pointer, size < 48 ? size : 48, "block of %u: %zu bytes", worker->number, size);
}

static void release(struct worker *worker, struct block *block)
{
	if (!block->pointer)
		return;
	worker->freed[worker->freed_count++] = (uintptr_t)block->pointer;
	free(block->pointer);
	block->pointer = NULL;
}

static void resize(struct worker *worker, struct block *block, size_t size)
{
	uintptr_t before = (uintptr_t)block->pointer;
	char *after = realloc(block->pointer, size);

	if (before && (uintptr_t)after != before)
		worker->freed[worker->freed_count++] = before;
	keep(worker, block, after, size);
}

static void allocate(struct worker *worker, struct block *block)
{
	size_t size = random_size(worker);
	void *aligned = NULL;

	switch (random_below(worker, 12)) {
	case 0:
		if (posix_memalign(&aligned, (size_t)32 << random_below(worker, 9), size) != 0)
			aligned = NULL;
		keep(worker, block, aligned, size);
		break;
	case 1:
	case 2:
		keep(worker, block, calloc(1, size), size);
		break;
	default:
		keep(worker, block, malloc(size), size);
	}
}

/* Exchanges the block for one that another thread left: memory is freed where it was not allocated.
 */
static void exchange(struct worker *worker, struct block *block)
{
	size_t at = random_below(worker, SHARED_BLOCKS);
	struct block other;

	pthread_mutex_lock(&shared_lock);
	other = shared[at];
	shared[at] = *block;
	pthread_mutex_unlock(&shared_lock);
	*block = other;
}

static void operate(struct worker *worker)
{
	struct block *block =
		&worker->blocks[MAPPED_BLOCKS + random_below(worker, worker->block_count - MAPPED_BLOCKS)];

	if (!block->pointer)
		allocate(worker, block);
	else if (random_below(worker, 8) == 0)
		resize(worker, block, random_size(worker));
	else if (random_below(worker, 8) == 0)
		exchange(worker, block);
	else
		release(worker, block);
}

/* Blocks above any threshold the other ones can move it to (it follows the largest one freed). */
static void allocate_mapped(struct worker *worker)
{
	struct block *blocks = worker->blocks;

	for (int i = 0; i < MAPPED_BLOCKS; i++) {
		size_t size = 600000 + random_below(worker, 3400000);
		void *aligned = NULL;

		if (i % 3 == 2 && posix_memalign(&aligned, (size_t)64 << 2 * i, size) == 0)
			keep(worker, &blocks[i], aligned, size);
		else
			keep(worker, &blocks[i], malloc(size), size);
	}
	resize(worker, &blocks[0], 700000 + random_below(worker, 6000000));
	resize(worker, &blocks[2], 700000 + random_below(worker, 6000000));
	/* Its alignment, 64 KiB, is not kept when its mapping moves. */
	resize(worker, &blocks[5], 700000 + random_below(worker, 6000000));
}

#ifdef __GLIBC__
/* HEAP_MAX_SIZE: constant but for glibc.malloc.hugetlb=2 of 2.35 to 2.41, with 2 MiB pages. */
static uintptr_t heap_bytes(void)
{
	const char *tunables = getenv("GLIBC_TUNABLES");
	long release = strtol(gnu_get_libc_version() + 2, NULL, 10);

	if (tunables && strstr(tunables, "glibc.malloc.hugetlb=2") && release >= 35 && release <= 41)
		return (uintptr_t)8 << 20;
	return sizeof(void *) == 8 ? (uintptr_t)64 << 20 : (uintptr_t)1 << 20;
}
#endif

/* The malloc_state the block came from: in glibc, memory of other arenas than the first has bit 2
 * of its size word set, and a pointer to the arena at the start of its heap. */
static uintptr_t arena_of(const void *pointer)
{
#ifdef __GLIBC__
	if (((const size_t *)pointer)[-1] & 4)
		return *(const uintptr_t *)((uintptr_t)pointer & ~(heap_bytes() - 1));
#endif
	(void)pointer;
	return 0;
}

/* Leaves entries in the cache's small bins and in fastbins, whatever the seed: after the last large
 * block was freed and the last thread has flushed its cache, either of which can empty the fastbins
 * of an arena, also another thread's. */
static void fill_caches(struct worker *worker)
{
	for (size_t i = MAPPED_BLOCKS; i < SMALL_END; i++)
		keep(worker, &worker->blocks[i], malloc(24 + i % 5 * 16), 24 + i % 5 * 16);
	/* Too large for any cache, whatever glibc.malloc.tcache_max is up to 64 KB, and too small for a
	 * mapping, so it comes from the thread's own arena. */
	release(worker, &worker->blocks[MAPPED_BLOCKS]);
	keep(worker, &worker->blocks[MAPPED_BLOCKS], malloc(100000), 100000);
	worker->arena = arena_of(worker->blocks[MAPPED_BLOCKS].pointer);
	for (size_t i = MAPPED_BLOCKS + 1; i < SMALL_END; i += 2)
		release(worker, &worker->blocks[i]);
}

static void join_leaving(void)
{
	for (unsigned i = 0; i < worker_count; i++)
		if (!workers[i].stays)
			pthread_join(workers[i].thread, NULL);
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	worker->tid = (pid_t)syscall(SYS_gettid);
	/* What libc allocates for a new thread must not take the place of a block freed by an older
	 * one: that address is in the log as freed. */
	pthread_barrier_wait(&worked);
	allocate_mapped(worker);
	for (size_t i = 0; i < operations; i++)
		operate(worker);
	pthread_barrier_wait(&worked);
	for (size_t i = 0; i < worker->block_count; i++)
		if (random_below(worker, 2))
			release(worker, &worker->blocks[i]);
	for (size_t i = MAPPED_BLOCKS; i < SMALL_END; i++)
		release(worker, &worker->blocks[i]);
	pthread_barrier_wait(&worked);
	if (!worker->stays)
		return NULL;
	if (worker == workers)
		join_leaving();
	pthread_barrier_wait(&alone);
	fill_caches(worker);
	if (worker == workers)
		return NULL;
	atomic_fetch_add(&blocked, 1);
	if (worker->number % 2)
		pthread_mutex_lock(&never);
	for (;;)
		pause();
}

static void start(unsigned staying, unsigned leaving, uint64_t seed)
{
	size_t block_count = SMALL_END + operations / 20;

	worker_count = staying + leaving;
	pthread_barrier_init(&worked, NULL, worker_count);
	pthread_barrier_init(&alone, NULL, staying);
	pthread_mutex_lock(&never);
	for (unsigned i = 0; i < worker_count; i++) {
		struct worker *worker = &workers[i];

		worker->number = i;
		worker->stays = i < staying;
		worker->random =
			(seed + 1) * UINT64_C(0x9E3779B97F4A7C15) + i * UINT64_C(0xD1B54A32D192ED03);
		worker->block_count = block_count;
		worker->blocks = map(block_count * sizeof *worker->blocks);
		worker->freed = map((operations + 2 * block_count + 16) * sizeof *worker->freed);
	}
	for (unsigned i = 1; i < worker_count; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
			perror("malloc_target: pthread_create");
			exit(1);
		}
}

/* Heapsort: qsort may allocate. Rows of two words, by the first. */
static void sift(uintptr_t (*rows)[2], size_t at, size_t count)
{
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		uintptr_t row[2] = { rows[at][0], rows[at][1] };

		if (child + 1 < count && rows[child + 1][0] > rows[child][0])
			child++;
		if (rows[child][0] <= row[0])
			return;
		memcpy(rows[at], rows[child], sizeof row);
		memcpy(rows[child], row, sizeof row);
	}
}

static void sort(uintptr_t (*rows)[2], size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift(rows, i, count);
	for (size_t i = count; i-- > 1;) {
		uintptr_t row[2] = { rows[0][0], rows[0][1] };

		memcpy(rows[0], rows[i], sizeof row);
		memcpy(rows[i], row, sizeof row);
		sift(rows, 0, i);
	}
}

static void flush(void)
{
	if (fflush(stdout) != 0) {
		perror("malloc_target: log");
		_exit(1);
	}
}

static void log_live(uintptr_t (*live)[2], size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("live 0x%" PRIxPTR " %zu\n", live[i][0], (size_t)live[i][1]);
}

/* Freed addresses, each once, that lie in no live block, its padding included. */
static void log_freed(uintptr_t (*live)[2], size_t live_count, uintptr_t (*freed)[2],
					  size_t freed_count)
{
	size_t next = 0;

	for (size_t i = 0; i < freed_count; i++) {
		if (i && freed[i][0] == freed[i - 1][0])
			continue;
		while (next < live_count &&
			   live[next][0] + malloc_usable_size((void *)live[next][0]) <= freed[i][0])
			next++;
		if (next == live_count || live[next][0] > freed[i][0])
			printf("freed 0x%" PRIxPTR "\n", freed[i][0]);
	}
}

static void log_blocks(void)
{
	size_t live_count = 0, freed_count = 0, live_most = SHARED_BLOCKS, freed_most = 0;
	uintptr_t(*live)[2], (*freed)[2];

	for (unsigned i = 0; i < worker_count; i++) {
		live_most += workers[i].block_count;
		freed_most += workers[i].freed_count;
	}
	live = map(live_most * sizeof *live);
	freed = map(freed_most * sizeof *freed);
	for (unsigned i = 0; i <= worker_count; i++) {
		const struct block *blocks = i < worker_count ? workers[i].blocks : shared;
		size_t count = i < worker_count ? workers[i].block_count : SHARED_BLOCKS;

		for (size_t k = 0; k < count; k++)
			if (blocks[k].pointer) {
				live[live_count][0] = (uintptr_t)blocks[k].pointer;
				live[live_count++][1] = blocks[k].size;
			}
		for (size_t k = 0; i < worker_count && k < workers[i].freed_count; k++)
			freed[freed_count++][0] = workers[i].freed[k];
	}
	sort(live, live_count);
	sort(freed, freed_count);
	log_live(live, live_count);
	log_freed(live, live_count, freed, freed_count);
	munmap(live, live_most * sizeof *live + 1);
	munmap(freed, freed_most * sizeof *freed + 1);
}

/* Through stdout, whose FILE and buffer are static: opening a file of stdio would allocate. */
static void write_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), out = dup(1);

	if (fd < 0 || out < 0 || dup2(fd, 1) < 0) {
		perror(path);
		exit(1);
	}
#ifdef __GLIBC__
	printf("libc %s\n", gnu_get_libc_version());
#else
	printf("libc other\n");
#endif
	for (unsigned i = 0; i < worker_count; i++)
		if (workers[i].stays)
			printf("thread %d 0x%" PRIxPTR "\n", (int)workers[i].tid, workers[i].arena);
	log_blocks();
#ifdef __GLIBC__
	printf("malloc_info\n");
	malloc_info(0, stdout);
	printf("end\n");
#endif
	flush();
	dup2(out, 1);
	close(out);
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	char byte;

	if (threads < 1 || threads > MAX_THREADS / 2) {
		fprintf(stderr, "usage: malloc_target SEED THREADS OPERATIONS LOG (1 to %d threads)\n",
				MAX_THREADS / 2);
		return 2;
	}
	setvbuf(stdout, output, _IOFBF, sizeof output);
	operations = strtoul(argv[3], NULL, 10);
	start(threads, threads / 4, strtoull(argv[1], NULL, 10));
	work(&workers[0]);
	while (atomic_load(&blocked) != threads - 1)
		usleep(1000);
	write_log(argv[4]);
	printf("READY\n");
	flush();
	while (read(0, &byte, 1) > 0)
		;
	_exit(0);
}
