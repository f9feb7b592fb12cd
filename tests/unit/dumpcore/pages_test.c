#include "tests/unit/unit.h"

#include "dumpcore/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Own memory is the fabricated input: which of its pages were touched is known. */
enum { COUNT = 64 };

struct fixture {
	struct procfs procfs;
	struct pages pages;
	struct page_map map;
	pages_ranges ranges;
	uint64_t page;
	char *memory;
	vaddr start;
};

static int make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	fixture->page = (uint64_t)sysconf(_SC_PAGESIZE);
	fixture->memory = mmap(NULL, COUNT * fixture->page, PROT_READ | PROT_WRITE,
						   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(fixture->memory, COUNT * fixture->page, MADV_NOHUGEPAGE);
	fixture->start = (uintptr_t)fixture->memory;
	assert_true(procfs_open(&fixture->procfs, PROCFS_ROOT, getpid(), NULL));
	assert_true(pages_open(&fixture->pages, &fixture->procfs, NULL));
	*state = fixture;
	return 0;
}

static int drop(void **state)
{
	struct fixture *fixture = *state;

	munmap(fixture->memory, COUNT * fixture->page);
	page_map_deinit(&fixture->map);
	vec_deinit(&fixture->ranges);
	pages_close(&fixture->pages);
	procfs_close(&fixture->procfs);
	free(fixture);
	return 0;
}

static void add_range(struct fixture *fixture, uint64_t first, uint64_t count, bool torn, bool skip)
{
	struct range range = { fixture->start + first * fixture->page,
						   fixture->start + (first + count) * fixture->page };

	*vec_add(&fixture->ranges) =
		(struct pages_range){ range, torn ? PAGE_TORN : PAGE_PRESENT, skip };
}

static void expect(const struct fixture *fixture, uint64_t page, enum page_state wanted)
{
	vaddr address = fixture->start + page * fixture->page;
	size_t found = page_map_find(&fixture->map, address);

	assert_true(found < fixture->map.runs.count);
	assert_true(range_holds(fixture->map.runs.items[found].range, address));
	assert_int_equal(fixture->map.runs.items[found].state, wanted);
}

static void touch(const struct fixture *fixture)
{
	fixture->memory[2 * fixture->page] = 1;
	fixture->memory[3 * fixture->page] = 1;
	(void)*(volatile char *)(fixture->memory + 5 * fixture->page);
	fixture->memory[(COUNT - 1) * fixture->page] = 1;
}

static void check(struct fixture *fixture)
{
	uint64_t bytes[PAGE_STATES];

	touch(fixture);
	add_range(fixture, 0, 3, false, false);
	add_range(fixture, 3, 5, true, false);
	add_range(fixture, 10, COUNT - 10, false, false);
	assert_true(pages_scan(&fixture->pages, &fixture->ranges, &fixture->map, NULL));
	expect(fixture, 0, PAGE_ABSENT);
	expect(fixture, 2, PAGE_PRESENT);
	expect(fixture, 3, PAGE_TORN);
	expect(fixture, 4, PAGE_ABSENT);
	expect(fixture, 7, PAGE_ABSENT);
	expect(fixture, COUNT - 2, PAGE_ABSENT);
	expect(fixture, COUNT - 1, PAGE_PRESENT);
	/* Every page of a range has a state, and none outside. */
	page_map_sum(&fixture->map, (struct range){ 0, UINT64_MAX }, bytes);
	assert_int_equal(bytes[PAGE_ABSENT] + bytes[PAGE_PRESENT] + bytes[PAGE_TORN] + bytes[PAGE_ZERO],
					 (COUNT - 2) * fixture->page);
}

static void the_kernel_is_asked_at_once(void **state)
{
	struct fixture *fixture = *state;

	if (!fixture->pages.categories) {
		print_message("skipped: this kernel has no PAGEMAP_SCAN\n");
		skip();
	}
	check(fixture);
	expect(fixture, 5, PAGE_ZERO);
}

/* As on a kernel before 6.7. Frame numbers need a privilege; without it the zero page counts as
 * present. */
static void older_kernels_give_an_entry_a_page(void **state)
{
	struct fixture *fixture = *state;
	struct procfs procfs = fixture->procfs;

	fixture->pages.categories = 0;
	check(fixture);
	assert_int_equal(procfs.pid, getpid());
}

static void ranges_known_to_be_empty_are_not_asked(void **state)
{
	struct fixture *fixture = *state;

	touch(fixture);
	fixture->pages.categories = 0;
	add_range(fixture, 0, 4, false, true);
	add_range(fixture, 4, 4, false, false);
	assert_true(pages_scan(&fixture->pages, &fixture->ranges, &fixture->map, NULL));
	expect(fixture, 2, PAGE_ABSENT);
}

static void nothing_is_touched_by_asking(void **state)
{
	struct fixture *fixture = *state;
	unsigned char there[COUNT];

	touch(fixture);
	add_range(fixture, 0, COUNT, false, false);
	assert_true(pages_scan(&fixture->pages, &fixture->ranges, &fixture->map, NULL));
	assert_int_equal(mincore(fixture->memory, COUNT * fixture->page, there), 0);
	assert_int_equal(there[10] & 1, 0);
	assert_int_equal(there[2] & 1, 1);
}

/* More runs than a call of the kernel's reports, in several mappings. */
static void many_runs_are_reported_once(void **state)
{
	enum { PAGES = 12000 };
	struct fixture *fixture = *state;
	char *memory = mmap(NULL, PAGES * fixture->page, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vaddr start = (uintptr_t)memory;

	madvise(memory, PAGES * fixture->page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i += 2)
		memory[i * fixture->page] = 1;
	for (size_t i = 0; i < PAGES; i += 100)
		*vec_add(&fixture->ranges) = (struct pages_range){
			{ start + i * fixture->page, start + (i + 100) * fixture->page }, PAGE_PRESENT, false
		};
	assert_true(pages_scan(&fixture->pages, &fixture->ranges, &fixture->map, NULL));
	assert_int_equal(fixture->map.runs.count, PAGES);
	for (size_t i = 0; i < PAGES; i++) {
		assert_int_equal(fixture->map.runs.items[i].range.start, start + i * fixture->page);
		assert_int_equal(fixture->map.runs.items[i].state, i % 2 ? PAGE_ABSENT : PAGE_PRESENT);
	}
	munmap(memory, PAGES * fixture->page);
}

static void no_ranges_give_no_map(void **state)
{
	struct fixture *fixture = *state;

	assert_true(pages_scan(&fixture->pages, &fixture->ranges, &fixture->map, NULL));
	assert_int_equal(fixture->map.runs.count, 0);
	assert_int_equal(fixture->map.page_size, fixture->page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_kernel_is_asked_at_once, make, drop),
		cmocka_unit_test_setup_teardown(older_kernels_give_an_entry_a_page, make, drop),
		cmocka_unit_test_setup_teardown(ranges_known_to_be_empty_are_not_asked, make, drop),
		cmocka_unit_test_setup_teardown(nothing_is_touched_by_asking, make, drop),
		cmocka_unit_test_setup_teardown(many_runs_are_reported_once, make, drop),
		cmocka_unit_test_setup_teardown(no_ranges_give_no_map, make, drop),
	};

	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
