#include "tests/unit/unit.h"

#include "archive/format.h"
#include "dumpcore/track.h"
#include "tests/support/capture_run.h"
#include "tests/support/child.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing may allocate while the target stands still: the allocator's lock may be held, and the
 * kernel may have to find memory first. Here every allocation is counted, the C library's own among
 * them. */
enum {
	PAGE = 4096,
	THREADS = 60,
	MAPPINGS = 3000,
	NAME_PARTS = 14,
	PART = 250,
	LONG_PATHS = 2000,
	PLACES = 8
};

static struct capture_run run;
static struct child child;
static atomic_int watching;
static atomic_size_t allocated;
static void *places[PLACES]; /* of the first one */
static char folder[] = "/tmp/dumpcore-stop-XXXXXX";

static void count_allocation(void)
{
	if (!atomic_load(&watching) || !run.snapshot.seize.holding)
		return;
	atomic_store(&watching, 0);
	if (!atomic_fetch_add(&allocated, 1))
		backtrace(places, PLACES);
	atomic_store(&watching, 1);
}

#ifdef __SANITIZE_ADDRESS__

int __sanitizer_install_malloc_and_free_hooks(void (*allocate)(const volatile void *, size_t),
											  void (*release)(const volatile void *));

static void hook_allocate(const volatile void *memory, size_t size)
{
	(void)memory, (void)size;
	count_allocation();
}

static void hook_free(const volatile void *memory)
{
	(void)memory;
}

static void install_hooks(void)
{
	assert_true(__sanitizer_install_malloc_and_free_hooks(hook_allocate, hook_free) > 0);
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	count_allocation();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	count_allocation();
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	count_allocation();
	return __libc_realloc(old, size);
}

/* The C library's own would not come by here. */
void *reallocarray(void *old, size_t count, size_t size)
{
	if (count && size > SIZE_MAX / count) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, count * size);
}

static void install_hooks(void)
{
}

#endif

static void *wait_forever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* Mappings that the kernel cannot join, every second one empty. */
static void prepare_child(void *shared)
{
	pthread_t thread;
	pthread_attr_t attributes;

	(void)shared;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, &attributes, wait_forever, NULL);
	for (int i = 0; i < MAPPINGS; i++) {
		int protection = i % 2 ? PROT_READ | PROT_WRITE : PROT_READ;
		char *memory = mmap(NULL, 4 * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (i % 4 == 1)
			memory[2 * PAGE] = 1;
	}
	madvise(mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
			64 * PAGE, MADV_DONTFORK);
}

/* Maps a file whose path is almost as long as one may be, two thousand times. */
static void prepare_long_paths(void *shared)
{
	char part[PART + 1];
	int fd;

	prepare_child(shared);
	memset(part, 'n', PART);
	part[PART] = '\0';
	if (chdir(folder) != 0)
		abort();
	for (int i = 0; i < NAME_PARTS; i++)
		if (mkdir(part, 0700) != 0 || chdir(part) != 0)
			abort();
	fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, PAGE) != 0)
		abort();
	for (int i = 0; i < LONG_PATHS; i++)
		mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
}

static void remove_long_paths(void)
{
	char command[64];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		abort();
}

static void expect_none(const char *method, child_job *job)
{
	child_start(&child, job, NULL);
	atomic_store(&allocated, 0);
	atomic_store(&watching, 1);
	capture_run(&run, child.pid, snapshot_method(method), 0);
	atomic_store(&watching, 0);
	if (!run.taken)
		fail_msg("%s", run.err.what);
	assert_true(run.snapshot.outcome.complete && run.snapshot.outcome.pause_ns > 0);
	if (atomic_load(&allocated)) {
		backtrace_symbols_fd(places, PLACES, STDERR_FILENO);
		fail_msg("%s: %zu allocations in the stop", method, atomic_load(&allocated));
	}
	capture_run_deinit(&run);
	child_end(&child);
}

static void expect_none_with_any(const char *method)
{
	expect_none(method, prepare_child);
	assert_non_null(mkdtemp(folder));
	expect_none(method, prepare_long_paths);
	remove_long_paths();
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
}

static void freeze_does_not_allocate_in_the_stop(void **state)
{
	(void)state;
	expect_none_with_any("freeze");
}

static void fork_does_not_allocate_in_the_stop(void **state)
{
	(void)state;
	expect_none_with_any("fork");
}

static void precopy_does_not_allocate_in_the_stop(void **state)
{
	const char *why;

	(void)state;
	if (!track_possible(&why)) {
		print_message("# SKIP precopy_does_not_allocate_in_the_stop: %s\n", why);
		skip();
	}
	expect_none_with_any("precopy");
}

/* On one processor a thread that was started runs when the one that started it waits: in the stop
 * at the latest. What it allocates as it begins (under the sanitizers it does) must be before. */
static void no_thread_begins_in_the_stop(void **state)
{
	cpu_set_t all, one;
	int processor = sched_getcpu();

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
	CPU_ZERO(&one);
	CPU_SET((size_t)processor, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	expect_none("freeze", prepare_child);
	expect_none("fork", prepare_child);
	assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

/* The counter itself: it sees an allocation while a stop is on. */
static void an_allocation_is_seen(void **state)
{
	void *memory;

	(void)state;
	run.snapshot.seize.holding = true;
	atomic_store(&allocated, 0);
	atomic_store(&watching, 1);
	memory = mem_zeroed(1, 100);
	memory = mem_resize(memory, 1, 200);
	atomic_store(&watching, 0);
	free(memory);
	run.snapshot.seize.holding = false;
	assert_int_equal(atomic_load(&allocated), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allocation_is_seen),
		cmocka_unit_test(freeze_does_not_allocate_in_the_stop),
		cmocka_unit_test(fork_does_not_allocate_in_the_stop),
		cmocka_unit_test(precopy_does_not_allocate_in_the_stop),
		cmocka_unit_test(no_thread_begins_in_the_stop),
	};
	void *warm[1];

	backtrace(warm, 1); /* loads a library the first time */
	install_hooks();
	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
