#include "tests/unit/unit.h"

#include "dumpcore/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

static const char maps[] = "400000-404000 r--p 00000000 fd:00 10 /opt/app\nRss: 16 kB\n"
						   "404000-405000 r-xp 00004000 fd:00 10 /opt/app\nRss: 4 kB\n"
						   "405000-406000 rw-p 00005000 fd:00 10 /opt/app\nRss: 4 kB\n"
						   "800000-900000 rw-p 00000000 00:00 0 [heap]\nRss: 1024 kB\n"
						   "a00000-a40000 rw-p 00000000 00:00 0\nRss: 8 kB\n"
						   "c00000-c40000 rw-s 00000000 00:01 11 /memfd:x (deleted)\nRss: 64 kB\n"
						   "d00000-d10000 r--s 00000000 00:02 12 /dev/thing\nVmFlags: rd pf io \n"
						   "7fff4000-7fff6000 r-xp 00000000 00:00 0 [vdso]\nRss: 4 kB\n"
						   "7fffe000-7ffff000 rw-p 00000000 00:00 0 [stack]\nRss: 4 kB\n";

enum { HEAD, CODE, DATA, HEAP, ANON, SHARED, DEVICE, VDSO, STACK, ITEMS };

struct fixture {
	struct pool pool;
	mappings list;
	struct plan plan;
	struct choice choice;
};

static int make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	assert_true(proc_text_mappings(span_string(maps), &fixture->pool, &fixture->list, NULL));
	assert_true(plan_selection_parse("native", &fixture->choice.selection, NULL));
	*state = fixture;
	return 0;
}

static int drop(void **state)
{
	struct fixture *fixture = *state;

	choice_deinit(&fixture->choice);
	plan_deinit(&fixture->plan);
	vec_deinit(&fixture->list);
	pool_deinit(&fixture->pool);
	free(fixture);
	return 0;
}

static const struct plan_item *apply(struct fixture *fixture)
{
	choice_learn(&fixture->choice, &fixture->list);
	plan_select(&fixture->plan, &fixture->list, fixture->choice.selection, (struct range){ 0 });
	choice_apply(&fixture->choice, &fixture->plan);
	return fixture->plan.items.items;
}

static void add_range(struct fixture *fixture, const char *text)
{
	assert_true(choice_add_range(&fixture->choice, text, PAGE, NULL));
}

/* `chosen` is a text of 0 and 1, one for each item. */
static void expect_chosen(const struct fixture *fixture, const char *chosen)
{
	assert_int_equal(fixture->plan.items.count, strlen(chosen));
	for (size_t i = 0; chosen[i]; i++)
		if (fixture->plan.items.items[i].selected != (chosen[i] == '1'))
			fail_msg("item %zu at 0x%" PRIvaddr, i, fixture->plan.items.items[i].range.start);
}

static void nothing_asked_narrows_nothing(void **state)
{
	struct fixture *fixture = *state;

	apply(fixture);
	expect_chosen(fixture, "101110011");
	assert_null(fixture->plan.items.items[CODE].left_out);
}

static void ranges_are_read_and_joined(void **state)
{
	static const char *const wrong[] = {
		"",           "1000", "1000-", "-1000", "2-1",   "1000-1000",
		"1000-2000x", "g-h",  "0x-0x", " 1-2",  "1-2-3", "11112222333344445-2"
	};
	struct fixture *fixture = *state;
	const struct choice *choice = &fixture->choice;
	struct err err = { 0 };

	add_range(fixture, "5001-5FFF");
	add_range(fixture, "0x1000-0X2001");
	add_range(fixture, "3000-4000");
	add_range(fixture, "fffffffffffff001-ffffffffffffffff");
	assert_int_equal(choice->ranges.count, 3);
	assert_int_equal(choice->ranges.items[0].start, 0x1000);
	assert_int_equal(choice->ranges.items[0].end, 0x4000);
	assert_int_equal(choice->ranges.items[1].start, 0x5000);
	assert_int_equal(choice->ranges.items[1].end, 0x6000);
	assert_int_equal(choice->ranges.items[2].end, UINT64_MAX - 4095);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (choice_add_range(&fixture->choice, wrong[i], PAGE, &err))
			fail_msg("'%s' was taken", wrong[i]);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

/* What a range covers is taken whatever it is; of the rest only the anchors stay. */
static void ranges_take_what_they_cover(void **state)
{
	struct fixture *fixture = *state;
	const struct plan_item *items;

	add_range(fixture, "810000-820000");
	add_range(fixture, "c00000-c40000");
	items = apply(fixture);
	/* head, code, data, heap in three, anon, shared, device, vdso, stack */
	expect_chosen(fixture, "10101001010");
	assert_true(items[HEAD].first_page);
	assert_int_equal(items[HEAP + 1].range.start, 0x810000);
	assert_int_equal(items[HEAP + 1].range.end, 0x820000);
	assert_int_equal(items[HEAP + 2].range.end, 0x900000);
	assert_string_equal(items[HEAP].left_out, "not selected: outside --range");
	assert_string_equal(items[STACK + 2].left_out, "not selected: outside --range");
}

static void ranges_cover_modules_whole_and_no_device(void **state)
{
	struct fixture *fixture = *state;
	const struct plan_item *items;

	add_range(fixture, "401000-404fff");
	add_range(fixture, "d00000-d10000");
	items = apply(fixture);
	/* The first piece keeps its first page, the second is taken whole, code too. */
	expect_chosen(fixture, "1111000010");
	assert_true(items[0].first_page && !items[1].first_page);
	assert_int_equal(items[1].range.start, 0x401000);
	assert_int_equal(items[DEVICE + 1].kind, PLAN_DEVICE);
}

static void ranges_cover_more_than_a_first_page(void **state)
{
	struct fixture *fixture = *state;

	add_range(fixture, "400000-403000");
	assert_false(apply(fixture)[HEAD].first_page);
	expect_chosen(fixture, "1001000010");
}

static void the_vdso_is_never_split(void **state)
{
	struct fixture *fixture = *state;

	assert_true(plan_selection_parse("heap", &fixture->choice.selection, NULL));
	add_range(fixture, "7fff4000-7fff5000");
	apply(fixture);
	expect_chosen(fixture, "000000010");
}

static void names_choose_among_what_is_selected(void **state)
{
	struct fixture *fixture = *state;
	const struct plan_item *items;

	assert_true(choice_set_name(&fixture->choice, "^\\[heap\\]$|memfd", NULL));
	items = apply(fixture);
	expect_chosen(fixture, "101100010");
	assert_string_equal(items[ANON].left_out, "not selected: --name");
	assert_null(items[SHARED].left_out); /* its name matches; its kind was not asked for */
	assert_null(items[CODE].left_out);
}

static void an_empty_name_is_a_name(void **state)
{
	struct fixture *fixture = *state;

	assert_true(choice_set_name(&fixture->choice, "^$", NULL));
	apply(fixture);
	expect_chosen(fixture, "101010010");
}

/* No name at all is never a new one. */
static void names_that_came_later_are_kept(void **state)
{
	struct fixture *fixture = *state;

	assert_true(choice_set_name(&fixture->choice, "app", NULL));
	fixture->list.items[ANON].path = fixture->list.items[HEAP].path = "/opt/app";
	choice_learn(&fixture->choice, &fixture->list);
	fixture->list.items[ANON].path = "[anon:new]";
	fixture->list.items[HEAP].path = "";
	plan_select(&fixture->plan, &fixture->list, fixture->choice.selection, (struct range){ 0 });
	choice_apply(&fixture->choice, &fixture->plan);
	expect_chosen(fixture, "101010010");
}

/* A watch captures again and again: what an earlier capture had learned is of mappings long gone.
 */
static void learning_again_forgets(void **state)
{
	struct fixture *fixture = *state;

	assert_true(choice_set_name(&fixture->choice, "nothing", NULL));
	fixture->list.items[ANON].path = "/opt/earlier";
	choice_learn(&fixture->choice, &fixture->list);
	fixture->list.items[ANON].path = "/opt/now";
	choice_learn(&fixture->choice, &fixture->list);
	fixture->list.items[ANON].path = "/opt/earlier";
	plan_select(&fixture->plan, &fixture->list, fixture->choice.selection, (struct range){ 0 });
	choice_apply(&fixture->choice, &fixture->plan);
	assert_true(fixture->plan.items.items[ANON].selected);
}

static void bad_expressions_are_explained(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { 0 };

	assert_false(choice_set_name(&fixture->choice, "[heap", &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.what, "'[heap'"));
	assert_non_null(strchr(err.what, ':'));
	assert_true(choice_set_name(&fixture->choice, "heap", &err));
	assert_false(choice_set_name(&fixture->choice, "stack", &err));
}

static void little_in_memory_is_left_out(void **state)
{
	struct fixture *fixture = *state;
	const struct plan_item *items;

	fixture->choice.least_resident = (8 << 10) + 1;
	items = apply(fixture);
	expect_chosen(fixture, "101100011");
	assert_string_equal(items[ANON].left_out, "not selected: below --min-resident");
	fixture->choice.least_resident = 8 << 10;
	apply(fixture);
	expect_chosen(fixture, "101110011");
}

/* A piece is judged by the residency of its mapping. */
static void ranges_and_residency_narrow_each_other(void **state)
{
	struct fixture *fixture = *state;

	fixture->choice.least_resident = 64 << 10;
	add_range(fixture, "810000-811000");
	add_range(fixture, "a00000-a40000");
	apply(fixture);
	expect_chosen(fixture, "10101000010");
}

static void applying_does_not_allocate(void **state)
{
	struct fixture *fixture = *state;
	size_t capacity;

	for (int i = 0; i < 40; i++) {
		char text[32];

		snprintf(text, sizeof text, "%x-%x", 0x800000 + i * 0x4000, 0x801000 + i * 0x4000);
		add_range(fixture, text);
	}
	capacity = ITEMS + choice_splits(&fixture->choice);
	plan_reserve(&fixture->plan, capacity, 1);
	apply(fixture);
	assert_int_equal(fixture->plan.items.count, ITEMS + 79);
	assert_int_equal(fixture->plan.items.capacity, capacity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_asked_narrows_nothing, make, drop),
		cmocka_unit_test_setup_teardown(ranges_are_read_and_joined, make, drop),
		cmocka_unit_test_setup_teardown(ranges_take_what_they_cover, make, drop),
		cmocka_unit_test_setup_teardown(ranges_cover_modules_whole_and_no_device, make, drop),
		cmocka_unit_test_setup_teardown(ranges_cover_more_than_a_first_page, make, drop),
		cmocka_unit_test_setup_teardown(the_vdso_is_never_split, make, drop),
		cmocka_unit_test_setup_teardown(names_choose_among_what_is_selected, make, drop),
		cmocka_unit_test_setup_teardown(an_empty_name_is_a_name, make, drop),
		cmocka_unit_test_setup_teardown(learning_again_forgets, make, drop),
		cmocka_unit_test_setup_teardown(names_that_came_later_are_kept, make, drop),
		cmocka_unit_test_setup_teardown(bad_expressions_are_explained, make, drop),
		cmocka_unit_test_setup_teardown(little_in_memory_is_left_out, make, drop),
		cmocka_unit_test_setup_teardown(ranges_and_residency_narrow_each_other, make, drop),
		cmocka_unit_test_setup_teardown(applying_does_not_allocate, make, drop),
	};

	return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
