#include "tests/unit/unit.h"

#include "base/mem.h"
#include "base/pool.h"
#include "dumpcore/pages.h"
#include "dumpcore/seize.h"
#include "dumpcore/track.h"
#include "tests/support/child.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child's memory is tracked, the child changes it, and every page whose bytes differ afterwards
 * must have been told. What the kernel tells beyond that is looked at where it may be exact. */
enum { PAGE = 4096, TABLE = 2 << 20, TABLES = 12, BYTES = TABLES * TABLE };

static uint8_t *memory; /* at the same address in the child, a multiple of TABLE */
static atomic_int *orders, *done;
static void (*change)(void);
static struct child child;
static struct procfs procfs;
static struct seize seize;
static struct pages pages;
static struct inject_site site;
static struct pool pool;
static struct track track;
static struct page_map before;
static track_ranges written;
static uint8_t *old, *new;

static void *server(void *argument)
{
	while (!atomic_load(orders))
		usleep(200);
	change();
	atomic_store(done, 1);
	for (;;)
		pause();
	return argument;
}

static void prepare_child(void *shared)
{
	pthread_t thread;

	(void)shared;
	memset(memory, 'a', BYTES - 2 * TABLE); /* the last two tables stay empty */
	pthread_create(&thread, NULL, server, NULL);
}

static void read_mappings(mappings *list)
{
	struct strbuf text = { 0 };

	assert_true(procfs_read(&procfs, "maps", 1 << 24, &text, NULL));
	assert_true(proc_text_mappings(strbuf_span(&text), &pool, list, NULL));
	strbuf_deinit(&text);
}

static bool any(pid_t tid)
{
	bool in_call;

	return inject_may_use(tid, &in_call);
}

static void open_track(void)
{
	struct err err = { 0 };
	mappings list = { 0 };
	pid_t tid;

	read_mappings(&list);
	inject_find_site(&list, &site);
	vec_deinit(&list);
	assert_true(site.code != 0);
	assert_true(track_prepare(&track, pages.fd, &err));
	tid = seize_stop_one(&seize, any, &err);
	assert_true(tid > 0);
	if (!track_open(&track, &site, child.pid, tid, false, &err))
		fail_msg("%s", err.what);
	seize_release(&seize);
}

static void scan_before(void)
{
	struct pages_range range = { { (uintptr_t)memory, (uintptr_t)memory + BYTES },
								 PAGE_PRESENT,
								 false };
	const pages_ranges ranges = { &range, 1, 1 };

	assert_true(pages_scan(&pages, &ranges, &before, NULL));
}

/* Pages that are not there read as zeros, or not at all. */
static void read_memory(uint8_t *to)
{
	int fd = procfs_open_file(&procfs, "mem", O_RDONLY);

	memset(to, 0, BYTES);
	for (size_t at = 0; at < BYTES; at += PAGE)
		if (pread(fd, to + at, PAGE, (off_t)((uintptr_t)memory + at)) != PAGE)
			memset(to + at, 0, PAGE);
	close(fd);
}

static void begin(void (*what)(void))
{
	const vaddr start = (uintptr_t)memory;

	change = what;
	orders = child_shared();
	done = orders + 1;
	child_start(&child, prepare_child, NULL);
	assert_true(procfs_open(&procfs, PROCFS_ROOT, child.pid, NULL));
	assert_true(pages_open(&pages, &procfs, NULL));
	seize_init(&seize, &procfs, 4);
	open_track();
	assert_true(track_add(&track, (struct range){ start, start + BYTES }));
	assert_true(track_protect(&track, NULL));
	scan_before();
	read_memory(old);
}

static void obey(void)
{
	atomic_store(orders, 1);
	while (!atomic_load(done))
		usleep(200);
}

/* Asks mapping by mapping, in the stop. */
static void ask_finally(void)
{
	mappings list = { 0 };
	const struct range all = { (uintptr_t)memory, (uintptr_t)memory + BYTES };

	assert_true(seize_stop(&seize, NULL));
	read_mappings(&list);
	for (size_t i = 0; i < list.count; i++) {
		struct range part = range_overlap(list.items[i].range, all);

		if (range_bytes(part))
			assert_true(track_final(&track, part, &before, &written, NULL));
	}
	vec_deinit(&list);
	read_memory(new);
	seize_release(&seize);
}

static bool is_told(size_t at)
{
	for (size_t i = 0; i < written.count; i++)
		if (range_holds(written.items[i], (uintptr_t)memory + at))
			return true;
	return false;
}

static size_t count_told(size_t from, size_t to)
{
	size_t count = 0;

	for (size_t at = from; at < to; at += PAGE)
		count += is_told(at);
	return count;
}

/* The oracle. What is not mapped any more needs no telling. */
static void expect_all_told(size_t skip_from, size_t skip_to)
{
	for (size_t i = 1; i < written.count; i++)
		assert_true(written.items[i].start > written.items[i - 1].end);
	for (size_t at = 0; at < BYTES; at += PAGE)
		if ((at < skip_from || at >= skip_to) && memcmp(old + at, new + at, PAGE) != 0 &&
			!is_told(at))
			fail_msg("page %zu differs and was not told", at / PAGE);
}

static void end(void)
{
	track_close(&track);
	track_close(&track); /* again */
	page_map_deinit(&before);
	vec_deinit(&written);
	seize_deinit(&seize);
	pages_close(&pages);
	procfs_close(&procfs);
	child_end(&child);
	munmap(orders, PAGE);
	pool_deinit(&pool);
}

static void write_some(void)
{
	memory[0] = 'b';
	memory[TABLE - 1] = 'b';
	memory[5 * PAGE + 7] = 'b';
	memset(memory + 3 * TABLE - PAGE, 'b', 2 * PAGE);
	memory[BYTES - 1] = 'b'; /* was not there */
}

static void run(void (*what)(void), bool holes_told)
{
	begin(what);
	track.tells_holes = track.tells_holes && holes_told;
	obey();
	ask_finally();
}

static void written_pages_are_told(void **state)
{
	(void)state;
	for (int told = 0; told < 2; told++) {
		run(write_some, told);
		expect_all_told(0, 0);
		assert_int_equal(count_told(0, BYTES - 2 * TABLE), 5);
		assert_true(is_told(BYTES - PAGE));
		end();
	}
}

/* What was collected is protected again and told once. */
static void collecting_protects_again(void **state)
{
	const struct range all = { (uintptr_t)memory, (uintptr_t)memory + BYTES - 2 * TABLE };

	(void)state;
	begin(write_some);
	assert_true(track_collect(&track, all, &written, NULL));
	assert_int_equal(written.count, 0);
	obey();
	assert_true(track_collect(&track, all, &written, NULL));
	assert_int_equal(count_told(0, BYTES), 5);
	written.count = 0;
	assert_true(track_collect(&track, all, &written, NULL));
	assert_int_equal(written.count, 0);
	end();
}

static void drop_some(void)
{
	madvise(memory + 7 * PAGE, PAGE, MADV_DONTNEED);
	madvise(memory + TABLE, TABLE, MADV_DONTNEED);                /* a page table's worth */
	madvise(memory + 4 * TABLE - PAGE, 2 * TABLE, MADV_DONTNEED); /* and parts of others */
}

static void dropped_pages_are_told(void **state)
{
	(void)state;
	for (int told = 0; told < 2; told++) {
		run(drop_some, told);
		expect_all_told(0, 0);
		assert_false(is_told(6 * PAGE));
		assert_false(is_told(8 * PAGE));
		end();
	}
}

static void map_over(void)
{
	mmap(memory + 2 * TABLE + PAGE, TABLE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memory[2 * TABLE + PAGE] = 'c';
	mmap(memory + 6 * TABLE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void new_mappings_are_told_whole(void **state)
{
	(void)state;
	run(map_over, true);
	expect_all_told(0, 0);
	assert_int_equal(count_told(0, BYTES - 2 * TABLE), TABLE / PAGE + 1);
	end();
}

static void move_over(void)
{
	memory[0] = 'd';
	mremap(memory, TABLE, TABLE, MREMAP_MAYMOVE | MREMAP_FIXED, memory + 5 * TABLE);
}

/* Moved memory is not tracked any more: all of it counts as written. */
static void a_moved_mapping_is_told_whole(void **state)
{
	(void)state;
	run(move_over, true);
	expect_all_told(0, TABLE);
	assert_int_equal(count_told(5 * TABLE, 6 * TABLE), TABLE / PAGE);
	assert_int_equal(count_told(6 * TABLE, BYTES - 2 * TABLE), 0);
	end();
}

static void protect_some(void)
{
	mprotect(memory + PAGE, 3 * PAGE, PROT_READ);
	mprotect(memory + 8 * PAGE, PAGE, PROT_NONE);
	memory[PAGE * 5] = 'e';
	mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE);
	memory[PAGE] = 'e';
}

static void split_mappings_stay_tracked(void **state)
{
	(void)state;
	run(protect_some, true);
	expect_all_told(0, 0);
	assert_int_equal(count_told(0, BYTES - 2 * TABLE), 2);
	end();
}

static void fork_and_write(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		memset(memory, 'f', TABLE); /* the child's own */
		_exit(0);
	}
	memory[9 * PAGE] = 'f';
	waitpid(pid, NULL, 0);
}

static void a_forked_child_is_not_told(void **state)
{
	(void)state;
	run(fork_and_write, true);
	expect_all_told(0, 0);
	assert_true(is_told(9 * PAGE));
	assert_int_equal(count_told(0, BYTES - 2 * TABLE), 1);
	end();
}

static void write_at_random(void)
{
	uint32_t seed = 99;

	for (int i = 0; i < 3000; i++) {
		size_t at;

		seed = seed * 1664525U + 1013904223U;
		at = (seed >> 4) % BYTES;
		if (i % 50 == 0)
			madvise(memory + at / PAGE * PAGE, PAGE, MADV_DONTNEED);
		else
			memory[at] = (uint8_t)i;
	}
}

static void random_changes_are_told(void **state)
{
	(void)state;
	for (int told = 0; told < 2; told++) {
		run(write_at_random, told);
		expect_all_told(0, 0);
		end();
	}
}

/* The same with huge pages, where the kernel gives them. */
static void huge_pages_are_tracked(void **state)
{
	(void)state;
	madvise(memory, BYTES, MADV_HUGEPAGE);
	for (int told = 0; told < 2; told++) {
		run(write_at_random, told);
		expect_all_told(0, 0);
		end();
		run(drop_some, told);
		expect_all_told(0, 0);
		end();
	}
	madvise(memory, BYTES, MADV_NOHUGEPAGE);
}

/* Where the table is full the last range grows: more is told, never less, nothing is allocated. */
static void a_full_table_tells_more(void **state)
{
	struct range *items;

	(void)state;
	begin(write_at_random);
	written.items = items = mem_zeroed(8, sizeof *items);
	written.capacity = 8;
	obey();
	ask_finally();
	assert_ptr_equal(written.items, items);
	assert_int_equal(written.count, 8);
	expect_all_told(0, 0);
	end();
}

static int make(void **state)
{
	uint8_t *all = mmap(NULL, BYTES + TABLE, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	memory = all + (TABLE - (uintptr_t)all % TABLE) % TABLE;
	madvise(memory, BYTES, MADV_NOHUGEPAGE);
	old = mem_zeroed(BYTES, 1);
	new = mem_zeroed(BYTES, 1);
	return all == MAP_FAILED;
}

static int drop(void **state)
{
	(void)state;
	free(old);
	free(new);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_pages_are_told),
		cmocka_unit_test(collecting_protects_again),
		cmocka_unit_test(dropped_pages_are_told),
		cmocka_unit_test(new_mappings_are_told_whole),
		cmocka_unit_test(a_moved_mapping_is_told_whole),
		cmocka_unit_test(split_mappings_stay_tracked),
		cmocka_unit_test(a_forked_child_is_not_told),
		cmocka_unit_test(random_changes_are_told),
		cmocka_unit_test(huge_pages_are_tracked),
		cmocka_unit_test(a_full_table_tells_more),
	};
	const char *why;

	if (!track_possible(&why)) {
		print_message("# SKIP track: %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests_name("track", tests, make, drop);
}
