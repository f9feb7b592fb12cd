/* hard: what hard_target and hard_memory_target share: kinds, markers, and the dialogue.
 *
 * A target makes the one situation that its kind names, then prints READY. It answers each line on
 * stdin with PONG, or with what the kind's check found broken, and ends when stdin does. Before
 * READY:
 *
 *     mark NAME ADDRESS TEXT    this text stands at this address and nowhere else
 *     SKIP REASON               this situation cannot be made here
 *
 * Only for programs of one file: everything is static. */
#ifndef TESTS_TARGETS_HARD_H
#define TESTS_TARGETS_HARD_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HARD_PAGE = 4096, HARD_MARK_BYTES = 96 };

struct hard_kind {
	const char *name;
	void (*make)(size_t argument); /* prints marks; hard_skip() where it cannot be made */
	const char *(*check)(void);    /* what is broken, or NULL; may be missing */
	void (*after_ready)(void);     /* may be missing */
	size_t argument;               /* where the command line has none */
	bool leader_ends;              /* the first thread ends, another one answers */
};

static const struct hard_kind *hard_kind;

static inline void hard_skip(const char *what)
{
	printf("SKIP %s: %s\n", what, strerror(errno));
}

static inline void hard_mark(const char *name, void *at)
{
	snprintf(at, HARD_MARK_BYTES, "marker-%s-of-%d-at-%p", name, (int)getpid(), at);
	printf("mark %s 0x%" PRIxPTR " %s\n", name, (uintptr_t)at, (const char *)at);
}

/* Private anonymous memory; ends the program where there is none. */
static inline char *hard_map(size_t bytes, int protection, int flags)
{
	char *memory = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

static inline void hard_thread(void *(*run)(void *), size_t stack_bytes)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	if (stack_bytes)
		pthread_attr_setstacksize(&attributes, stack_bytes);
	error = pthread_create(&thread, &attributes, run, NULL);
	pthread_attr_destroy(&attributes);
	if (error) {
		fprintf(stderr, "pthread_create: %s\n", strerror(error));
		exit(1);
	}
}

static inline void *hard_serve(void *argument)
{
	char line[80];

	if (hard_kind->after_ready)
		hard_kind->after_ready();
	while (fgets(line, sizeof line, stdin)) {
		const char *broken = hard_kind->check ? hard_kind->check() : NULL;

		puts(broken ? broken : "PONG");
		fflush(stdout);
	}
	_exit(0);
	return argument;
}

static inline int hard_main(int argc, char **argv, const struct hard_kind *kinds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (argc > 1 && strcmp(kinds[i].name, argv[1]) == 0)
			hard_kind = &kinds[i];
	if (!hard_kind) {
		fprintf(stderr, "usage: %s KIND [NUMBER]\nkinds:", argv[0]);
		for (size_t i = 0; i < count; i++)
			fprintf(stderr, " %s", kinds[i].name);
		return fputs("\n", stderr), 2;
	}
	hard_mark("heap", malloc(HARD_MARK_BYTES));
	hard_kind->make(argc > 2 ? (size_t)atol(argv[2]) : hard_kind->argument);
	puts("READY");
	fflush(stdout);
	if (hard_kind->leader_ends) {
		hard_thread(hard_serve, 0);
		pthread_exit(NULL);
	}
	hard_serve(NULL);
	return 0;
}

#endif
