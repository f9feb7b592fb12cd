#include "tests/unit/unit.h"

#include "dumpcore/budget.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, ITEMS = 8 };

static const char reason[] = "dropped: --max-size";

/* In the order of addresses; `pages` are there of `room`. */
struct row {
	vaddr start;
	enum plan_kind kind;
	size_t room, pages;
};

static const struct row rows[ITEMS] = {
	{ 0x400000, PLAN_MODULE, 4, 1 },       /* its first page only */
	{ 0x404000, PLAN_DATA, 2, 2 },         /* an anchor */
	{ 0x800000, PLAN_HEAP, 64, 40 },       /* */
	{ 0x1000000, PLAN_FILE, 100, 100 },    /* dense, and last all the same */
	{ 0x4000000, PLAN_ANONYMOUS, 64, 8 },  /* at a multiple of 64 MiB: an arena's heap, not dense */
	{ 0x5000000, PLAN_ANONYMOUS, 64, 16 }, /* a quarter */
	{ 0x6000000, PLAN_ANONYMOUS, 16, 16 }, /* all of it */
	{ 0x7000000, PLAN_STACK, 32, 2 },
};

enum { MODULE, DATA, HEAP, TABLE, ARENA, SPARSE, DENSE, STACK };

/* Most valuable first, and the pages that each has. */
static const size_t order[ITEMS] = { DATA, MODULE, STACK, HEAP, ARENA, DENSE, SPARSE, TABLE };
static const uint64_t taken[ITEMS] = { 1, 2, 40, 100, 8, 16, 16, 2 };
enum { ALL = 1 + 2 + 40 + 100 + 8 + 16 + 16 + 2 };

struct fixture {
	struct plan plan;
	struct page_map map;
};

static int make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	fixture->map.page_size = PAGE;
	plan_reserve(&fixture->plan, ITEMS + 1, 64);
	for (size_t i = 0; i < ITEMS; i++) {
		vaddr start = rows[i].start, end = start + rows[i].room * PAGE;

		*vec_add(&fixture->plan.items) = (struct plan_item){ .range = { start, end },
															 .kind = rows[i].kind,
															 .flags = PF_R | PF_W,
															 .first_page = i == MODULE,
															 .selected = true };
		page_map_append(&fixture->map, (struct range){ start, start + rows[i].pages * PAGE },
						PAGE_PRESENT);
	}
	*state = fixture;
	return 0;
}

static int drop(void **state)
{
	struct fixture *fixture = *state;

	plan_deinit(&fixture->plan);
	page_map_deinit(&fixture->map);
	free(fixture);
	return 0;
}

static void fit(struct fixture *fixture, uint64_t most)
{
	budget_apply(&fixture->plan, &fixture->map, most);
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_true(fixture->plan.memory_bytes <= most);
}

static uint64_t dropped_bytes(const struct fixture *fixture)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < fixture->plan.gaps.count; i++)
		if (strcmp(fixture->plan.gaps.items[i].reason, reason) == 0)
			sum += page_map_resident(&fixture->map, fixture->plan.gaps.items[i].range);
	return sum;
}

static void what_fits_stays(void **state)
{
	struct fixture *fixture = *state;

	fit(fixture, ALL * PAGE);
	assert_int_equal(fixture->plan.memory_bytes, ALL * PAGE);
	assert_int_equal(fixture->plan.items.count, ITEMS);
	assert_int_equal(dropped_bytes(fixture), 0);
}

/* With room for the first n of them, exactly those are taken. */
static void the_most_valuable_stay(void **state)
{
	uint64_t pages = 0;

	for (size_t fitting = 0; fitting < ITEMS; fitting++) {
		struct fixture *fixture = *state;
		uint64_t most = pages * PAGE;

		fit(fixture, most);
		for (size_t i = 0; i < ITEMS; i++)
			if (fixture->plan.items.items[order[i]].selected != (i < fitting))
				fail_msg("item %zu with room for %zu", order[i], fitting);
		assert_int_equal(fixture->plan.memory_bytes, most);
		assert_int_equal(dropped_bytes(fixture), (ALL - pages) * PAGE);
		pages += taken[order[fitting]];
		assert_int_equal(drop(state) + make(state), 0);
	}
}

static void the_last_one_is_cut_at_a_page(void **state)
{
	struct fixture *fixture = *state;
	const struct plan_item *items = fixture->plan.items.items;

	/* anchors and stack, ten pages of the heap, and less than a page more */
	fit(fixture, (3 + 2 + 10) * PAGE + 4000);
	assert_int_equal(fixture->plan.items.count, ITEMS + 1);
	assert_int_equal(items[HEAP].range.end, 0x80a000);
	assert_true(items[HEAP].selected && !items[HEAP + 1].selected);
	assert_int_equal(items[HEAP + 1].range.end, 0x840000);
	assert_string_equal(items[HEAP + 1].left_out, reason);
	assert_int_equal(fixture->plan.memory_bytes, (3 + 2 + 10) * PAGE);
	assert_int_equal(dropped_bytes(fixture), (ALL - 3 - 2 - 10) * PAGE);
}

/* A cut counts the pages that are read, not those between them. */
static void cuts_pass_over_what_is_absent(void **state)
{
	struct fixture *fixture = *state;

	fixture->map.runs.count = 0;
	for (vaddr at = 0x800000; at < 0x840000; at += 4 * PAGE) {
		page_map_append(&fixture->map, (struct range){ at, at + PAGE }, PAGE_PRESENT);
		page_map_append(&fixture->map, (struct range){ at + PAGE, at + 2 * PAGE }, PAGE_SWAPPED);
	}
	fit(fixture, 3 * PAGE);
	assert_int_equal(fixture->plan.items.items[HEAP].range.end, 0x80c000);
	assert_int_equal(fixture->plan.memory_bytes, 3 * PAGE);
}

static void swapped_pages_count_where_they_are_read(void **state)
{
	struct fixture *fixture = *state;

	fixture->map.runs.count = 0;
	page_map_append(&fixture->map, (struct range){ 0x800000, 0x808000 }, PAGE_SWAPPED);
	fixture->plan.read_swapped = true;
	fit(fixture, 3 * PAGE);
	assert_int_equal(fixture->plan.items.items[HEAP].range.end, 0x803000);
}

/* The vdso is read whole or not at all, however much of it is there. */
static void what_cannot_be_cut_is_dropped(void **state)
{
	struct fixture *fixture = *state;

	fixture->plan.items.items[DATA].kind = PLAN_VDSO;
	fixture->plan.items.items[DATA].range.end += 2 * PAGE;
	fit(fixture, 3 * PAGE);
	assert_int_equal(fixture->plan.items.count, ITEMS);
	assert_int_equal(fixture->plan.memory_bytes, 0);
	assert_false(fixture->plan.items.items[DATA].selected);
}

static void what_was_left_out_keeps_its_reason(void **state)
{
	struct fixture *fixture = *state;

	fixture->plan.items.items[TABLE].selected = false;
	fit(fixture, 20 * PAGE);
	assert_null(fixture->plan.items.items[TABLE + 1].left_out); /* behind the heap's two parts */
	assert_int_equal(dropped_bytes(fixture), (ALL - 100 - 20) * PAGE);
}

/* Of one rank what has more is kept; all in the room reserved. */
static void many_are_sorted_without_allocating(void **state)
{
	enum { MANY = 1000, KEPT = 300 };
	struct fixture *fixture = *state;
	struct plan *plan = &fixture->plan;
	uint64_t least_kept = UINT64_MAX, most_dropped = 0;

	plan_reserve(plan, MANY + 1, MANY);
	plan->items.count = fixture->map.runs.count = 0;
	for (size_t i = 0; i < MANY; i++) {
		vaddr start = 0x10001000 + i * 64 * PAGE, bytes = (1 + i * 7919 % 31) * PAGE;

		*vec_add(&plan->items) = (struct plan_item){ .range = { start, start + 32 * PAGE },
													 .kind = PLAN_ANONYMOUS,
													 .selected = true };
		page_map_append(&fixture->map, (struct range){ start, start + bytes }, PAGE_PRESENT);
	}
	fit(fixture, KEPT * 16 * PAGE);
	for (size_t i = 0; i < plan->items.count; i++) {
		uint64_t bytes = page_map_resident(&fixture->map, plan->items.items[i].range);

		if (range_bytes(plan->items.items[i].range) < 32 * PAGE)
			continue; /* a part of the one that was cut */
		if (plan->items.items[i].selected && bytes < least_kept)
			least_kept = bytes;
		if (!plan->items.items[i].selected && bytes > most_dropped)
			most_dropped = bytes;
	}
	assert_int_equal(plan->memory_bytes, KEPT * 16 * PAGE);
	assert_int_equal(plan->items.count, MANY + 1);
	assert_true(most_dropped > 0 && least_kept >= most_dropped);
	assert_int_equal(plan->items.capacity, MANY + 1);
	assert_int_equal(plan->values.capacity, MANY + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_fits_stays, make, drop),
		cmocka_unit_test_setup_teardown(the_most_valuable_stay, make, drop),
		cmocka_unit_test_setup_teardown(the_last_one_is_cut_at_a_page, make, drop),
		cmocka_unit_test_setup_teardown(cuts_pass_over_what_is_absent, make, drop),
		cmocka_unit_test_setup_teardown(swapped_pages_count_where_they_are_read, make, drop),
		cmocka_unit_test_setup_teardown(what_cannot_be_cut_is_dropped, make, drop),
		cmocka_unit_test_setup_teardown(what_was_left_out_keeps_its_reason, make, drop),
		cmocka_unit_test_setup_teardown(many_are_sorted_without_allocating, make, drop),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
