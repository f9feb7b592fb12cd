/* fresh_target: memory that is mapped anew at other addresses all the time, so that a capture finds
 * mappings that were not there when it looked at the process first.
 *
 * usage: fresh_target plain|file|dontfork|wipeonfork fresh|again NAP_MICROSECONDS
 *
 * BLOCKS blocks of BLOCK_PAGES pages are there. One thread takes one step after the other for ever;
 * step n replaces the block of slot n modulo BLOCKS: a new one is mapped, advised, and each of its
 * pages is begun with n; then the old one is unmapped. With "fresh" at an address that was never
 * used, with "again" at the one that it had. "file" maps a file, privately. A slot's entry says
 * `begun` = n first, then the address, and `ended` = n when all is done; so where both are equal,
 * the block is as it should be.
 *
 * Prints "table ADDRESS" (entries of begun, ended and address, 64 bits each), then READY, and
 * answers each line on stdin with PONG. Ends when stdin does. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCKS = 16, BLOCK_PAGES = 32, BLOCK = BLOCK_PAGES * PAGE, ADVICE_NONE = -1 };

/* Far from what the kernel uses by itself; room for days of steps. */
#define FIRST_ADDRESS UINT64_C(0x100000000000)

struct entry {
	_Atomic uint64_t begun, ended, address;
};

static const struct {
	const char *name;
	int advice;
} kinds[] = {
	{ "plain", ADVICE_NONE },
	{ "file", ADVICE_NONE },
	{ "dontfork", MADV_DONTFORK },
	{ "wipeonfork", MADV_WIPEONFORK },
};

static struct entry *table;
static int advice;
static int fresh;
static int file = -1;
static useconds_t rest;

static char *fail(void)
{
	perror("fresh_target");
	exit(1);
}

/* Advised before it stands at its address: smaps never shows it there without the advice, after
 * which a clone that has it empty could not be told from one that was empty before. */
static char *map(uint64_t at, size_t bytes)
{
	int from = at ? file : -1;
	char *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | (from < 0 ? MAP_ANONYMOUS : 0), from, 0);

	if (got == MAP_FAILED || (advice != ADVICE_NONE && at && madvise(got, bytes, advice) != 0))
		return fail();
	if (at)
		got = mremap(got, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(uintptr_t)at);
	return got == MAP_FAILED ? fail() : got;
}

/* A page lies between two blocks: they stay mappings of their own. */
static uint64_t place(uint64_t number)
{
	return FIRST_ADDRESS + (fresh ? number : number % BLOCKS) * (BLOCK + PAGE);
}

static void step(uint64_t number)
{
	struct entry *entry = &table[number % BLOCKS];
	uint64_t old = entry->address;
	char *block;

	entry->begun = number;
	if (old && !fresh)
		munmap((void *)(uintptr_t)old, BLOCK);
	block = map(place(number), BLOCK);
	for (size_t at = 0; at < BLOCK; at += PAGE)
		*(volatile uint64_t *)(block + at) = number;
	entry->address = (uintptr_t)block;
	entry->ended = number;
	if (old && fresh)
		munmap((void *)(uintptr_t)old, BLOCK);
}

static void *run(void *argument)
{
	for (uint64_t number = BLOCKS + 1;; number++) {
		step(number);
		if (rest)
			usleep(rest);
	}
	return argument;
}

static int find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			advice = kinds[i].advice;
			return 1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[80];

	if (argc != 4 || !find_kind(argv[1])) {
		fputs("usage: fresh_target plain|file|dontfork|wipeonfork fresh|again NAP_MICROSECONDS\n",
			  stderr);
		return 2;
	}
	fresh = strcmp(argv[2], "fresh") == 0;
	if (strcmp(argv[1], "file") == 0) {
		file = memfd_create("fresh", 0);
		if (file < 0 || ftruncate(file, BLOCK) != 0)
			return perror("fresh_target"), 1;
	}
	rest = (useconds_t)atol(argv[3]);
	table = (struct entry *)map(0, PAGE);
	for (uint64_t number = 1; number <= BLOCKS; number++)
		step(number);
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		return perror("fresh_target"), 1;
	printf("table 0x%" PRIxPTR "\nREADY\n", (uintptr_t)table);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		puts("PONG");
		fflush(stdout);
	}
	return 0;
}
