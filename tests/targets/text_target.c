/* text_target: named threads that each keep one text in malloc memory.
 *
 * usage: text_target THREADS [MEGABYTES]
 *
 * MEGABYTES of filled memory stand behind all that the threads have, before the libraries, so that
 * a capture that ends early has the texts. Prints a line "TID NAME ADDRESS TEXT" for each thread,
 * then READY, and answers each line on stdin with PONG, so that a test sees that the process still
 * runs. Ends when stdin does. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_THREADS = 5000, TEXT_BYTES = 96 };

struct speaker {
	pthread_t thread;
	pthread_barrier_t *spoken;
	unsigned number;
	pid_t tid;
	char name[16];
	char *text;
};

static void *keep_text(void *argument)
{
	struct speaker *speaker = argument;

	speaker->tid = gettid();
	snprintf(speaker->name, sizeof speaker->name, "speaker-%u", speaker->number);
	pthread_setname_np(pthread_self(), speaker->name);
	speaker->text = malloc(TEXT_BYTES);
	snprintf(speaker->text, TEXT_BYTES, "this is the text of thread number %u", speaker->number);
	pthread_barrier_wait(speaker->spoken);
	for (;;)
		pause();
	return NULL;
}

/* Mapped before the threads are made: the kernel puts what comes later at lower addresses. */
static int fill(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -1;
	memset(memory, 'f', bytes);
	return 0;
}

int main(int argc, char **argv)
{
	static struct speaker speakers[MAX_THREADS];
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
	pthread_barrier_t spoken;
	char line[80];

	if (count < 1 || count > MAX_THREADS)
		return 2;
	if (argc > 2 && fill((size_t)atol(argv[2]) << 20))
		return 1;
	pthread_barrier_init(&spoken, NULL, count + 1);
	for (unsigned i = 0; i < count; i++) {
		speakers[i].number = i;
		speakers[i].spoken = &spoken;
		if (pthread_create(&speakers[i].thread, NULL, keep_text, &speakers[i]))
			return 1;
	}
	pthread_barrier_wait(&spoken);
	for (unsigned i = 0; i < count; i++)
		printf("%d %s 0x%" PRIxPTR " %s\n", (int)speakers[i].tid, speakers[i].name,
			   (uintptr_t)speakers[i].text, speakers[i].text);
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		puts("PONG");
		fflush(stdout);
	}
	return 0;
}
