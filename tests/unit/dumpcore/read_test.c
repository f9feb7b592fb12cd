#include "tests/unit/unit.h"

#include "dumpcore/read.h"
#include "tests/support/child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, COUNT = 16 };

/* The child inherits this mapping at this address. */
static uint8_t *memory;
static struct child child;
static struct procfs procfs;
static struct reader reader;

static void fill(uint8_t *to)
{
	for (size_t i = 0; i < COUNT * PAGE; i++)
		to[i] = (uint8_t)(i / PAGE + i * 31);
}

/* A page that nobody can read (page 5 is unmapped) and one without PROT_READ (page 9). */
static void spoil(void *shared)
{
	(void)shared;
	munmap(memory + 5 * PAGE, PAGE);
	mprotect(memory + 9 * PAGE, PAGE, PROT_NONE);
}

static int make(void **state)
{
	(void)state;
	memory = mmap(NULL, COUNT * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill(memory);
	child_start(&child, spoil, NULL);
	return procfs_open(&procfs, PROCFS_ROOT, child.pid, NULL) && reader_open(&reader, &procfs, NULL)
			   ? 0
			   : -1;
}

static int drop(void **state)
{
	(void)state;
	reader_close(&reader);
	procfs_close(&procfs);
	child_end(&child);
	munmap(memory, COUNT * PAGE);
	return 0;
}

static void failing_pages_cost_only_themselves(void **state)
{
	static uint8_t got[COUNT * PAGE], wanted[COUNT * PAGE];
	vaddr start = (uintptr_t)memory;

	(void)state;
	fill(wanted);
	memset(wanted + 5 * PAGE, 0, PAGE);
	memset(got, 0xee, sizeof got);
	assert_true(reader_fill(&reader, start, got, sizeof got));
	assert_memory_equal(got, wanted, sizeof got);
	assert_int_equal(reader.errors.count, 1);
	assert_int_equal(reader.errors.items[0].range.start, start + 5 * PAGE);
	assert_int_equal(reader.errors.items[0].range.end, start + 6 * PAGE);
	assert_int_equal(reader.bytes, (COUNT - 1) * PAGE);
}

static void the_end_of_the_process_is_seen(void **state)
{
	static uint8_t got[COUNT * PAGE];

	(void)state;
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	assert_false(reader_fill(&reader, (uintptr_t)memory, got, sizeof got));
	assert_int_equal(reader.errors.count, 0);
}

/* A live reader must not mix the memory of two programs: an exec keeps the pid. */
static void a_new_program_is_not_read(void **state)
{
	static uint8_t got[PAGE];
	struct reader live;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		raise(SIGSTOP);
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, WUNTRACED);
	procfs_close(&procfs);
	assert_true(procfs_open(&procfs, PROCFS_ROOT, pid, NULL));
	assert_true(reader_open(&live, &procfs, NULL));
	assert_true(reader_fill(&live, (uintptr_t)memory, got, sizeof got));
	kill(pid, SIGCONT);
	while (reader_fill(&live, (uintptr_t)memory, got, sizeof got))
		usleep(1000);
	reader_close(&live);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void errors_are_joined_and_bounded(void **state)
{
	struct reader many = { .errors.items = calloc(READER_ERRORS, sizeof *many.errors.items) };

	(void)state;
	many.memory = many.other = -1;
	many.errors.capacity = READER_ERRORS;
	reader_add_error(&many, (struct range){ 0x1000, 0x2000 }, "a");
	reader_add_error(&many, (struct range){ 0x2000, 0x3000 }, "a");
	assert_int_equal(many.errors.count, 1);
	for (vaddr i = 1; i < 2 * READER_ERRORS; i++)
		reader_add_error(&many, (struct range){ i << 20, (i << 20) + 0x1000 }, "a");
	assert_int_equal(many.errors.count, READER_ERRORS);
	assert_true(many.errors.items[READER_ERRORS - 1].range.end ==
				((vaddr)(2 * READER_ERRORS - 1) << 20) + 0x1000);
	assert_non_null(strstr(many.errors.items[READER_ERRORS - 1].reason, "too many"));
	reader_close(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(failing_pages_cost_only_themselves, make, drop),
		cmocka_unit_test_setup_teardown(the_end_of_the_process_is_seen, make, drop),
		cmocka_unit_test_setup_teardown(a_new_program_is_not_read, make, drop),
		cmocka_unit_test(errors_are_joined_and_bounded),
	};

	return cmocka_run_group_tests_name("read", tests, NULL, NULL);
}
