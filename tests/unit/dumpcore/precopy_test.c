#include "tests/unit/unit.h"

#include "archive/format.h"
#include "base/fault.h"
#include "dumpcore/track.h"
#include "tests/support/capture_run.h"
#include "tests/support/child.h"

#include <elf.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's memory: blocks apart from each other, so that each is a mapping of its own. */
enum { PAGE = 4096, BLOCKS = 40, BLOCK_PAGES = 6, STRIDE = 10 * PAGE, ROOM = 8 };

/* What the child is told to do, and when it has. */
struct orders {
	atomic_int wanted, done;
};

enum order {
	NOTHING,
	WRITE_FIRST_PAGES, /* of each block */
	DROP,              /* page 2 of each block */
	UNMAP,             /* block 1 */
	GROW,              /* a new mapping behind the last block, and block 2 gets page 5 */
	REPLACE,           /* block 3 is another mapping now */
};

static struct orders *orders;
static struct child child;
static struct capture_run run;
static uint8_t *memory; /* at the same address in the child */

/* Which order is given at which point of the capture; or a signal that ends the child. */
static const char *point;
static enum order order_at_point;
static int signal_at_point;

static uint8_t *block(size_t index)
{
	return memory + index * STRIDE;
}

static uint8_t pattern(const uint8_t *address)
{
	return (uint8_t)((uintptr_t)address >> 12 ^ (uintptr_t)address * 7);
}

static void fill(uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		from[i] = pattern(from + i);
}

static void *map_at(uint8_t *address, size_t size)
{
	return mmap(address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
				0);
}

static void obey(enum order order)
{
	for (size_t i = 0; order == WRITE_FIRST_PAGES && i < BLOCKS; i++)
		memset(block(i), 0xee, PAGE);
	for (size_t i = 0; order == DROP && i < BLOCKS; i++)
		madvise(block(i) + 2 * PAGE, PAGE, MADV_DONTNEED);
	if (order == UNMAP)
		munmap(block(1), BLOCK_PAGES * PAGE);
	if (order == GROW) {
		fill(map_at(block(BLOCKS), BLOCK_PAGES * PAGE), BLOCK_PAGES * PAGE);
		fill(block(2) + 5 * PAGE, PAGE);
	}
	if (order == REPLACE)
		memset(map_at(block(3), BLOCK_PAGES * PAGE), 0x33, PAGE);
}

/* Page 5 of each block is not touched. */
static void serve(void *shared)
{
	(void)shared;
	for (size_t i = 0; i < BLOCKS; i++)
		fill(map_at(block(i), BLOCK_PAGES * PAGE), (BLOCK_PAGES - 1) * PAGE);
	if (fork() == 0) /* keeps the pages shared copy-on-write, as servers have them */
		_exit(0);
	wait(NULL);
}

static void *server(void *argument)
{
	for (;;) {
		int wanted = atomic_load(&orders->wanted);

		if (wanted != atomic_load(&orders->done)) {
			obey((enum order)wanted);
			atomic_store(&orders->done, wanted);
		}
		usleep(200);
	}
	return argument;
}

static void prepare_child(void *shared)
{
	pthread_t thread;

	serve(shared);
	pthread_create(&thread, NULL, server, NULL);
}

/* The build's own does nothing; here it is where the capture meets the child's changes. */
void fault_point(const char *name)
{
	if (!point || strcmp(name, point) != 0)
		return;
	point = NULL;
	if (signal_at_point) {
		kill(child.pid, signal_at_point);
		usleep(20000);
		return;
	}
	atomic_store(&orders->wanted, order_at_point);
	while (atomic_load(&orders->done) != (int)order_at_point)
		usleep(200);
}

static void begin(void)
{
	orders = child_shared();
	memory = mmap(NULL, (BLOCKS + 2) * STRIDE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	child_start(&child, prepare_child, NULL);
}

static void end(void)
{
	capture_run_deinit(&run);
	child_end(&child);
	munmap(memory, (BLOCKS + 2) * STRIDE);
	munmap(orders, PAGE);
	point = NULL;
	signal_at_point = 0;
}

/* Room for a few written ranges only: what the table of a busy process of many GiB comes to. */
static void reserve_little(struct snapshot *snapshot)
{
	snapshot_precopy_reserve(snapshot);
	snapshot->precopy.written.capacity = ROOM;
}

/* Nothing but the blocks: what else a sanitized child has would fill the small table too. */
static void select_blocks(void)
{
	char text[64];

	snprintf(text, sizeof text, "%zx-%zx", (size_t)memory, (size_t)block(BLOCKS));
	assert_true(plan_selection_parse("anon", &run.choice.selection, NULL));
	assert_true(choice_add_range(&run.choice, text, PAGE, NULL));
}

static void capture(const char *at, enum order order, bool little)
{
	struct snapshot_method method = *snapshot_method("precopy");

	point = at;
	order_at_point = order;
	if (little) {
		method.reserve = reserve_little;
		select_blocks();
	}
	capture_run(&run, child.pid, &method, 0);
	run.snapshot.request.method = NULL;
}

static void expect_page(const uint8_t *page, int byte)
{
	for (size_t i = 0; i < PAGE; i += 97) {
		int wanted = byte >= 0 ? byte : pattern(page + i), got;

		got = capture_run_byte(&run, (uintptr_t)page + i);
		if (got != wanted)
			fail_msg("%p: %d, not %d", (const void *)(page + i), got, wanted);
	}
}

static void expect_blocks(size_t from, int first_page)
{
	for (size_t i = from; i < BLOCKS; i++) {
		expect_page(block(i), first_page);
		for (size_t page = 1; page < BLOCK_PAGES - 1; page++)
			expect_page(block(i) + page * PAGE, -1);
	}
}

static void expect_complete(void)
{
	if (!run.taken)
		fail_msg("%s", run.err.what);
	if (!run.snapshot.outcome.complete)
		fail_msg("not complete: %s", run.snapshot.outcome.reason);
	assert_string_equal(run.snapshot.consistency, "precopy");
}

/* Pages written while the first copy ran are copied again, and nothing else changes. */
static void what_is_written_meanwhile_is_copied_again(void **state)
{
	(void)state;
	begin();
	capture("precopy.all", WRITE_FIRST_PAGES, false);
	expect_complete();
	expect_blocks(0, 0xee);
	end();
}

/* Where the table of written ranges is full, its last range covers what lies between. */
static void a_full_table_of_written_ranges_harms_nothing(void **state)
{
	(void)state;
	begin();
	capture("precopy.all", WRITE_FIRST_PAGES, true);
	expect_complete();
	expect_blocks(0, 0xee);
	end();
	begin();
	capture("precopy.round", WRITE_FIRST_PAGES, true);
	expect_complete();
	expect_blocks(0, 0xee);
	end();
}

static void dropped_pages_are_zeros_and_absent(void **state)
{
	(void)state;
	begin();
	capture("precopy.round", DROP, false);
	expect_complete();
	for (size_t i = 0; i < BLOCKS; i++) {
		expect_page(block(i) + PAGE, -1);
		expect_page(block(i) + 2 * PAGE, 0);
		assert_int_equal(capture_run_state(&run, (uintptr_t)block(i) + 2 * PAGE), PAGE_ABSENT);
	}
	end();
}

/* Whether maps in the archive has the pages as one mapping. */
static bool has_mapping(const uint8_t *start, size_t pages)
{
	char line[64];
	struct span text;

	snprintf(line, sizeof line, "%zx-%zx rw-p ", (size_t)start, (size_t)(start + pages * PAGE));
	assert_true(capture_run_document(&run, FORMAT_DOCUMENT_MAPS, &text));
	return memmem(text.data, text.size, line, strlen(line));
}

static void unmapped_memory_is_not_there(void **state)
{
	(void)state;
	begin();
	capture("precopy.round", UNMAP, false);
	expect_complete();
	assert_int_equal(capture_run_byte(&run, (uintptr_t)block(1)), -1);
	assert_false(has_mapping(block(1), BLOCK_PAGES));
	expect_page(block(0), -1);
	expect_blocks(2, -1);
	end();
}

static void new_memory_is_appended(void **state)
{
	(void)state;
	begin();
	capture("precopy.round", GROW, false);
	expect_complete();
	expect_blocks(0, -1);
	expect_page(block(2) + 5 * PAGE, -1);
	for (size_t page = 0; page < BLOCK_PAGES; page++)
		expect_page(block(BLOCKS) + page * PAGE, -1);
	assert_int_equal(capture_run_state(&run, (uintptr_t)block(BLOCKS)), PAGE_PRESENT);
	assert_true(has_mapping(block(BLOCKS), BLOCK_PAGES));
	end();
}

static void a_replaced_mapping_is_the_new_one(void **state)
{
	(void)state;
	begin();
	capture("precopy.round", REPLACE, false);
	expect_complete();
	expect_page(block(3), 0x33);
	assert_int_not_equal(capture_run_byte(&run, (uintptr_t)block(3) + PAGE),
						 pattern(block(3) + PAGE));
	expect_blocks(4, -1);
	end();
}

/* Whenever the process ends, what was copied until then is kept, and says so. */
static void a_process_that_ends_leaves_what_was_copied(void **state)
{
	static const char *const points[] = { "precopy.all", "precopy.round", "precopy.stopped" };

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		struct span note;

		begin();
		signal_at_point = SIGKILL;
		capture(points[i], NOTHING, false);
		if (!run.taken)
			fail_msg("%s: %s", points[i], run.err.what);
		assert_false(run.snapshot.outcome.complete);
		assert_string_equal(run.snapshot.consistency, "live");
		expect_blocks(0, -1);
		assert_int_equal(capture_run_state(&run, (uintptr_t)block(0)), PAGE_TORN);
		assert_true(capture_run_notes(&run, NT_PRSTATUS, &note) >= 1);
		assert_int_equal(capture_run_notes(&run, NT_FILE, &note), 1);
		assert_true(note.size > 1000); /* it tells the modules */
		/* Those of the stop are not the mappings that the copied pages are of. */
		assert_false(capture_run_document(&run, FORMAT_DOCUMENT_MAPS, &note));
		end();
	}
}

/* No room for what is copied in the stop: the way gives up before anything is done. */
static void without_room_nothing_is_begun(void **state)
{
	struct choice choice = { 0 };
	struct snapshot snapshot = snapshot_none();
	struct err err = { 0 };

	(void)state;
	snapshot.request.choice = &choice;
	assert_false(snapshot_precopy_take(&snapshot, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_true(snapshot.unsuited);
	snapshot_deinit(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_meanwhile_is_copied_again),
		cmocka_unit_test(a_full_table_of_written_ranges_harms_nothing),
		cmocka_unit_test(dropped_pages_are_zeros_and_absent),
		cmocka_unit_test(unmapped_memory_is_not_there),
		cmocka_unit_test(new_memory_is_appended),
		cmocka_unit_test(a_replaced_mapping_is_the_new_one),
		cmocka_unit_test(a_process_that_ends_leaves_what_was_copied),
		cmocka_unit_test(without_room_nothing_is_begun),
	};
	const char *why;

	if (!track_possible(&why)) {
		print_message("# SKIP precopy: %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests_name("precopy", tests, NULL, NULL);
}
