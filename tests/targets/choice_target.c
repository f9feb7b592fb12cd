/* choice_target: memory of several kinds whose every page says which one it is.
 *
 * usage: choice_target
 *
 * Each touched page of a region starts with "<NAME:NUMBER>", NUMBER in six digits; "<heap:000000>"
 * is in a malloc chunk. Regions stand between guard pages and never change. Prints a line "NAME
 * START END" for each, then READY. A line on stdin that names a region pages that region out; each
 * line is answered with PONG. Ends when stdin does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, SMALL_CHUNKS = 10000 };

struct region {
	const char *name;
	size_t pages;
	size_t every; /* only each so many pages is touched */
	int sharing;
	char *start;
};

static struct region regions[] = {
	{ .name = "dense", .pages = 1024, .every = 1, .sharing = MAP_PRIVATE },
	{ .name = "sparse", .pages = 4096, .every = 64, .sharing = MAP_PRIVATE },
	{ .name = "tiny", .pages = 4, .every = 1, .sharing = MAP_PRIVATE },
	{ .name = "cold", .pages = 1024, .every = 1, .sharing = MAP_PRIVATE },
	{ .name = "shared", .pages = 256, .every = 1, .sharing = MAP_SHARED },
};

enum { REGIONS = sizeof regions / sizeof *regions };

static void make(struct region *region)
{
	size_t size = region->pages * PAGE;
	char *room = mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	region->start = mmap(room + PAGE, size, PROT_READ | PROT_WRITE,
						 region->sharing | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (room == MAP_FAILED || region->start == MAP_FAILED)
		exit(1);
	madvise(region->start, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < region->pages; i += region->every) {
		for (size_t at = 0; at < PAGE; at += 64)
			memset(region->start + i * PAGE + at, 'a' + (int)(i % 26), 64);
		sprintf(region->start + i * PAGE, "<%s:%06zu>", region->name, i);
	}
}

int main(void)
{
	char line[80];

	for (size_t i = 0; i < SMALL_CHUNKS; i++) {
		char *chunk = malloc(100);

		if (!chunk)
			return 1;
		sprintf(chunk, i ? "some text" : "<heap:%06zu>", i);
	}
	for (size_t i = 0; i < REGIONS; i++) {
		make(&regions[i]);
		printf("%s %p %p\n", regions[i].name, (void *)regions[i].start,
			   (void *)(regions[i].start + regions[i].pages * PAGE));
	}
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < REGIONS; i++)
			if (strcmp(regions[i].name, line) == 0)
				madvise(regions[i].start, regions[i].pages * PAGE, MADV_PAGEOUT);
		puts("PONG");
		fflush(stdout);
	}
	return 0;
}
