/* drop_target: memory that is dropped, mapped anew and written again in blocks of a page table's
 * size, and that tells whether a snapshot of it shows one instant.
 *
 * usage: drop_target BLOCKS [NAP_MICROSECONDS]
 *
 * BLOCKS blocks of 2 MiB lie side by side, every second one with huge pages where there are any.
 * One thread takes one step after the other for ever; step n is done to the block n * 7 modulo
 * BLOCKS, and says in the block's entry of a table what it does: first `begun` = n and what, then
 * the deed, then `ended` = n. The deeds:
 *
 *     0  MADV_DONTNEED: the block is all zeros
 *     1  mapped anew: the block is all zeros
 *     2  written: each page begins with n
 *     3  dropped and half written: the pages of the first half begin with n, the others with zero
 *
 * So a block whose entry has begun == ended holds just what its entry says. Prints "blocks ADDRESS"
 * and "table ADDRESS" (entries of begun, ended and what, 64 bits each), then READY, and answers
 * each line on stdin with PONG. Ends when stdin does. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCK = 2 << 20, STEP = 7, MAX_BLOCKS = 128 };

struct entry {
	_Atomic uint64_t begun, ended, what;
};

static struct entry *table;
static char *memory;
static size_t blocks;
static useconds_t rest;

static char *map(char *at, size_t bytes)
{
	char *got = mmap(at, bytes, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	if (got == MAP_FAILED) {
		perror("drop_target: mmap");
		exit(1);
	}
	return got;
}

static void map_block(size_t index)
{
	char *block = map(memory + index * BLOCK, BLOCK);

	madvise(block, BLOCK, index % 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

static void write_pages(char *block, size_t bytes, uint64_t number)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		*(volatile uint64_t *)(block + at) = number;
}

static void step(uint64_t number)
{
	size_t index = number * STEP % blocks;
	uint64_t what = number / blocks % 4;
	struct entry *entry = &table[index];
	char *block = memory + index * BLOCK;

	what = (what + index) % 4;
	entry->begun = number;
	entry->what = what;
	if (what == 0 || what == 3)
		madvise(block, BLOCK, MADV_DONTNEED);
	if (what == 1)
		map_block(index);
	if (what == 2)
		write_pages(block, BLOCK, number);
	if (what == 3)
		write_pages(block, BLOCK / 2, number);
	entry->ended = number;
}

static void *run(void *argument)
{
	for (uint64_t number = blocks * 4;; number++) {
		step(number);
		if (rest)
			usleep(rest);
	}
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[80];

	blocks = argc > 1 ? (size_t)atol(argv[1]) : 0;
	rest = argc > 2 ? (useconds_t)atol(argv[2]) : 0;
	if (blocks < 1 || blocks > MAX_BLOCKS || blocks % STEP == 0) {
		fputs("usage: drop_target BLOCKS [NAP_MICROSECONDS]; BLOCKS is no multiple of 7\n", stderr);
		return 2;
	}
	table = (struct entry *)map(NULL, PAGE);
	memory = map(NULL, (blocks + 1) * BLOCK);
	memory = (char *)(((uintptr_t)memory + BLOCK - 1) / BLOCK * BLOCK);
	for (size_t i = 0; i < blocks; i++)
		map_block(i);
	for (uint64_t number = 1; number < blocks * 4; number++)
		step(number);
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		return perror("drop_target"), 1;
	printf("blocks 0x%" PRIxPTR "\ntable 0x%" PRIxPTR "\nREADY\n", (uintptr_t)memory,
		   (uintptr_t)table);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		puts("PONG");
		fflush(stdout);
	}
	return 0;
}
