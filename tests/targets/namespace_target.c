/* namespace_target: a program with two libcs, each with a malloc of its own: dlmopen gives a
 * library, and what it needs, a namespace. The second malloc has no brk memory: its main arena is
 * mapped.
 *
 * Both have blocks in use and freed ones; the first has one mmapped chunk, the second has two.
 * Prints READY and waits until stdin ends. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void *allocate(size_t size);
typedef void release(void *pointer);

static void fill(allocate *get, release *give, unsigned blocks)
{
	for (unsigned i = 0; i < blocks; i++) {
		char *block = get(1000 + i % 7 * 160);

		memset(block, 'b', 1000);
		if (i % 3 == 0)
			give(block);
	}
}

static void map(allocate *get, size_t size)
{
	memset(get(size), 'm', size);
}

static void *open_another(void)
{
#ifdef __GLIBC__
	return dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
#else
	return NULL;
#endif
}

int main(void)
{
	void *libc = open_another();
	allocate *get = libc ? (allocate *)dlsym(libc, "malloc") : NULL;
	release *give = libc ? (release *)dlsym(libc, "free") : NULL;
	char byte;

	if (!get || !give) {
		fprintf(stderr, "namespace_target: no second libc here\n");
		return 1;
	}
	fill(malloc, free, 300);
	fill(get, give, 3000);
	map(malloc, 700000);
	map(get, 900000);
	map(get, 1900000);
	printf("READY\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
