#include "tests/unit/unit.h"

#include "dumpcore/describe.h"
#include "dumpcore/plan.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static const char maps[] =
	"400000-402000 r--p 00000000 fd:00 10 /opt/app\nRss: 8 kB\n"
	"402000-404000 r-xp 00002000 fd:00 10 /opt/app\nRss: 8 kB\n"
	"404000-405000 r--p 00004000 fd:00 10 /opt/app\nRss: 4 kB\nAnonymous: 4 kB\n"
	"405000-406000 rw-p 00005000 fd:00 10 /opt/app\nRss: 4 kB\n"
	"406000-407000 rw-p 00000000 00:00 0\nRss: 4 kB\n"
	"800000-900000 rw-p 00000000 00:00 0 [heap]\nRss: 1024 kB\n"
	"a00000-b00000 rw-p 00000000 00:00 0\nRss: 8 kB\n"
	"b00000-b10000 rw-p 00000000 00:00 0\nRss: 4 kB\nVmFlags: rd wr dd \n"
	"c00000-d00000 rw-s 00000000 00:01 11 /memfd:x (deleted)\nRss: 4 kB\n"
	"d00000-e00000 r--p 00000000 fd:00 12 /data/table\nRss: 4 kB\n"
	"e00000-f00000 rw-p 00000000 fd:00 12 /data/table\nRss: 4 kB\nAnonymous: 4 kB\n"
	"f00000-f10000 rw-p 00000000 00:0f 13 /anon_hugepage (deleted)\nRss: 0 kB\n"
	"7fff0000-7fff4000 r--p 00000000 00:00 0 [vvar]\nVmFlags: rd pf io dd \n"
	"7fff4000-7fff6000 r-xp 00000000 00:00 0 [vdso]\nRss: 4 kB\n"
	"7fffe000-7ffff000 rw-p 00000000 00:00 0 [stack]\nRss: 4 kB\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

enum {
	APP_HEAD,
	APP_CODE,
	APP_RELRO,
	APP_DATA,
	APP_BSS,
	HEAP,
	ANON,
	MARKED,
	SHARED,
	TABLE,
	DIRTY,
	HUGE_PAGES,
	VVAR,
	VDSO,
	STACK,
	ITEMS
};

struct fixture {
	struct pool pool;
	mappings list;
	struct plan plan;
	struct page_map map;
};

static int make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	assert_true(proc_text_mappings(span_string(maps), &fixture->pool, &fixture->list, NULL));
	fixture->map.page_size = PAGE;
	*state = fixture;
	return 0;
}

static int drop(void **state)
{
	struct fixture *fixture = *state;

	plan_deinit(&fixture->plan);
	page_map_deinit(&fixture->map);
	vec_deinit(&fixture->list);
	pool_deinit(&fixture->pool);
	free(fixture);
	return 0;
}

static void select_text(struct fixture *fixture, const char *text)
{
	plan_selection selection;

	assert_true(plan_selection_parse(text, &selection, NULL));
	plan_select(&fixture->plan, &fixture->list, selection, (struct range){ 0 });
}

static void mappings_are_told_apart(void **state)
{
	static const enum plan_kind kinds[ITEMS] = {
		PLAN_MODULE, PLAN_FILE,      PLAN_DATA,   PLAN_DATA,   PLAN_ANONYMOUS,
		PLAN_HEAP,   PLAN_ANONYMOUS, PLAN_MARKED, PLAN_SHARED, PLAN_FILE,
		PLAN_DATA,   PLAN_ANONYMOUS, PLAN_DEVICE, PLAN_VDSO,   PLAN_STACK,
	};
	struct fixture *fixture = *state;

	select_text(fixture, "native");
	assert_int_equal(fixture->plan.items.count, ITEMS);
	for (size_t i = 0; i < ITEMS; i++)
		if (fixture->plan.items.items[i].kind != kinds[i])
			fail_msg("mapping %zu is %s", i, plan_kinds[fixture->plan.items.items[i].kind].title);
}

static void native_leaves_out_what_is_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	const struct plan_item *items;

	select_text(fixture, "native");
	items = fixture->plan.items.items;
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(items[i].selected,
						 i != APP_CODE && i != MARKED && i != SHARED && i != TABLE && i != VVAR);
	assert_int_equal(items[HEAP].flags, PF_R | PF_W);
	assert_true(items[APP_DATA].is_file && !items[HEAP].is_file);
}

static void selections_are_read(void **state)
{
	struct fixture *fixture = *state;
	plan_selection selection;
	struct err err = { 0 };

	select_text(fixture, "heap,stacks");
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(fixture->plan.items.items[i].selected, i == HEAP || i == STACK);
	select_text(fixture, "all");
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(fixture->plan.items.items[i].selected, i != MARKED && i != VVAR);
	select_text(fixture, "native,shared");
	assert_true(fixture->plan.items.items[SHARED].selected);
	assert_false(plan_selection_parse("heap,nothing", &selection, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.what, "'nothing'"));
	assert_false(plan_selection_parse("", &selection, &err));
	assert_false(plan_selection_parse("heap,", &selection, &err));
}

static void java_heaps_are_left_out(void **state)
{
	struct fixture *fixture = *state;
	plan_selection selection;

	assert_true(plan_selection_parse("native", &selection, NULL));
	plan_select(&fixture->plan, &fixture->list, selection, (struct range){ 0xa00000, 0xb00000 });
	assert_int_equal(fixture->plan.items.items[ANON].kind, PLAN_JAVA);
	assert_false(fixture->plan.items.items[ANON].selected);
	assert_int_equal(fixture->plan.items.items[HEAP].kind, PLAN_HEAP);
}

static void stacks_are_found_by_their_pointer(void **state)
{
	struct fixture *fixture = *state;

	select_text(fixture, "stacks");
	plan_mark_stack(&fixture->plan, 0xafff00, 1 << PLAN_STACK);
	plan_mark_stack(&fixture->plan, 0x850000, 1 << PLAN_STACK); /* never the heap */
	plan_mark_stack(&fixture->plan, 0x1000, 1 << PLAN_STACK);
	assert_int_equal(fixture->plan.items.items[ANON].kind, PLAN_STACK);
	assert_true(fixture->plan.items.items[ANON].selected);
	assert_int_equal(fixture->plan.items.items[HEAP].kind, PLAN_HEAP);
}

static void only_what_a_running_target_writes_is_torn(void **state)
{
	struct fixture *fixture = *state;
	pages_ranges ranges = { 0 };

	select_text(fixture, "native");
	plan_ranges(&fixture->plan, TORN_WRITABLE, &ranges);
	assert_int_equal(ranges.count, ITEMS);
	assert_int_equal(ranges.items[HEAP].present, PAGE_TORN);
	assert_int_equal(ranges.items[APP_HEAD].present, PAGE_PRESENT);
	assert_int_equal(ranges.items[SHARED].present, PAGE_PRESENT);
	assert_true(ranges.items[VVAR].skip);
	assert_false(ranges.items[HEAP].skip);
	plan_ranges(&fixture->plan, TORN_NONE, &ranges);
	assert_int_equal(ranges.items[HEAP].present, PAGE_PRESENT);
	vec_deinit(&ranges);
}

/* What was empty when smaps was read may be filled when the target stands still. */
static void empty_mappings_are_asked(void **state)
{
	static const struct {
		const char *maps;
		bool skip, recount;
	} rows[] = {
		{ "100000-200000 rw-p 00000000 00:00 0\nRss: 0 kB\n", false, false },
		{ "100000-200000 r--s 00000000 00:01 7 /file\nRss: 0 kB\n", false, false },
		{ "100000-200000 ---p 00000000 00:00 0\nRss: 0 kB\n", true, false },
		{ "40000000-80000000 rw-p 00000000 00:00 0\nRss: 0 kB\n", false, false },
		{ "40000000-80001000 rw-p 00000000 00:00 0\nRss: 0 kB\n", true, true },
		{ "40000000-80001000 ---p 00000000 00:00 0\nRss: 0 kB\n", true, false },
		{ "40000000-80001000 rw-p 00000000 00:00 0\nRss: 4 kB\n", false, false },
		{ "40000000-80001000 rw-p 00000000 00:00 0\nRss: 0 kB\nSwap: 4 kB\n", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pool pool = { 0 };
		mappings list = { 0 };
		struct plan plan = { 0 };
		pages_ranges ranges = { 0 };

		assert_true(proc_text_mappings(span_string(rows[i].maps), &pool, &list, NULL));
		assert_int_equal(describe_must_recount(&list), rows[i].recount);
		plan_select(&plan, &list, UINT32_MAX, (struct range){ 0 });
		plan_ranges(&plan, TORN_NONE, &ranges);
		assert_int_equal(ranges.items[0].skip, rows[i].skip);
		vec_deinit(&ranges);
		plan_deinit(&plan);
		vec_deinit(&list);
		pool_deinit(&pool);
	}
}

static void put(struct fixture *fixture, vaddr start, uint64_t bytes, enum page_state state)
{
	page_map_append(&fixture->map, (struct range){ start, start + bytes }, state);
}

static void expect_segment(const struct plan *plan, size_t index, vaddr start, uint64_t bytes)
{
	assert_true(index < plan->segments.count);
	assert_int_equal(plan->segments.items[index].start, start);
	assert_int_equal(plan->segments.items[index].bytes, bytes);
}

/* In anonymous memory absent pages are zeros: short runs of them are holes of one segment. */
static void short_holes_stay_in_a_segment(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 0x800000, PAGE, PAGE_ABSENT);
	put(fixture, 0x801000, PAGE, PAGE_PRESENT);
	put(fixture, 0x802000, 8 * PAGE, PAGE_ABSENT);
	put(fixture, 0x80a000, PAGE, PAGE_ZERO);
	put(fixture, 0x80b000, PAGE, PAGE_TORN);
	put(fixture, 0x80c000, 4 * PAGE, PAGE_ABSENT);
	select_text(fixture, "heap");
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, 1);
	expect_segment(&fixture->plan, 0, 0x801000, 11 * PAGE);
	assert_int_equal(fixture->plan.memory_bytes, 2 * PAGE);
	assert_int_equal(fixture->plan.gaps.count, 0);
}

static void long_holes_and_swapped_pages_split(void **state)
{
	struct fixture *fixture = *state;

	fixture->list.items[HEAP].range.end = 0x800000 + 4 * MIB;
	put(fixture, 0x800000, PAGE, PAGE_PRESENT);
	put(fixture, 0x801000, MIB, PAGE_ABSENT);
	put(fixture, 0x901000, PAGE, PAGE_PRESENT);
	put(fixture, 0x902000, PAGE, PAGE_SWAPPED);
	put(fixture, 0x903000, PAGE, PAGE_PRESENT);
	select_text(fixture, "heap");
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, 3);
	expect_segment(&fixture->plan, 0, 0x800000, PAGE);
	expect_segment(&fixture->plan, 1, 0x901000, PAGE);
	expect_segment(&fixture->plan, 2, 0x903000, PAGE);
	assert_int_equal(fixture->plan.gaps.count, 1);
	assert_int_equal(fixture->plan.gaps.items[0].range.start, 0x902000);
	assert_string_equal(fixture->plan.gaps.items[0].reason, "swapped out");
}

static void swapped_pages_are_data_where_they_are_read(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 0x800000, PAGE, PAGE_SWAPPED);
	put(fixture, 0x801000, PAGE, PAGE_PRESENT);
	put(fixture, 0x802000, PAGE, PAGE_ABSENT);
	put(fixture, 0x803000, PAGE, PAGE_SWAPPED);
	put(fixture, 0xa00000, PAGE, PAGE_SWAPPED);
	select_text(fixture, "heap");
	fixture->plan.read_swapped = true;
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, 1);
	expect_segment(&fixture->plan, 0, 0x800000, 4 * PAGE);
	assert_int_equal(fixture->plan.memory_bytes, 3 * PAGE);
	assert_int_equal(fixture->plan.gaps.count, 1);
	assert_string_equal(fixture->plan.gaps.items[0].reason, "not selected: anonymous");
}

/* In a mapped file an absent page is not zeros. */
static void files_have_no_holes(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 0xe00000, PAGE, PAGE_PRESENT);
	put(fixture, 0xe01000, PAGE, PAGE_ABSENT);
	put(fixture, 0xe02000, PAGE, PAGE_PRESENT);
	select_text(fixture, "data");
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, 2);
	expect_segment(&fixture->plan, 0, 0xe00000, PAGE);
	expect_segment(&fixture->plan, 1, 0xe02000, PAGE);
}

static void modules_give_their_first_page(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 0x400000, 4 * PAGE, PAGE_PRESENT);
	select_text(fixture, "modules");
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, 1);
	expect_segment(&fixture->plan, 0, 0x400000, PAGE);
	assert_int_equal(fixture->plan.gaps.count, 1);
	assert_int_equal(fixture->plan.gaps.items[0].range.start, 0x401000);
	assert_int_equal(fixture->plan.gaps.items[0].range.end, 0x404000);
	assert_string_equal(fixture->plan.gaps.items[0].reason, "not selected: file-backed");
}

static void what_is_left_out_is_a_gap_where_something_was(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 0x800000, MIB, PAGE_ABSENT);
	put(fixture, 0xa00000, MIB, PAGE_ZERO);
	put(fixture, 0xc00000, PAGE, PAGE_SWAPPED);
	put(fixture, 0xd00000, PAGE, PAGE_PRESENT);
	select_text(fixture, "vdso");
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, 0);
	assert_int_equal(fixture->plan.gaps.count, 2);
	assert_string_equal(fixture->plan.gaps.items[0].reason, "not selected: shared memory");
	assert_string_equal(fixture->plan.gaps.items[1].reason, "not selected: file-backed");
}

static void the_vdso_is_whole(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 0x7fff4000, PAGE, PAGE_PRESENT);
	put(fixture, 0x7fff5000, PAGE, PAGE_ABSENT);
	select_text(fixture, "vdso");
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, 1);
	expect_segment(&fixture->plan, 0, 0x7fff4000, 2 * PAGE);
	assert_int_equal(fixture->plan.whole.start, 0x7fff4000);
}

static void swapped_gaps_are_bounded(void **state)
{
	enum { MANY = 10000 };
	struct fixture *fixture = *state;

	fixture->list.items[HEAP].range.end = 0x800000 + 2ULL * MANY * PAGE;
	fixture->list.count = HEAP + 1;
	for (uint64_t i = 0; i < MANY; i++) {
		put(fixture, 0x800000 + 2 * i * PAGE, PAGE, PAGE_SWAPPED);
		put(fixture, 0x800000 + (2 * i + 1) * PAGE, PAGE, PAGE_PRESENT);
	}
	select_text(fixture, "heap");
	plan_lay_out(&fixture->plan, &fixture->map);
	assert_int_equal(fixture->plan.segments.count, MANY);
	assert_int_equal(fixture->plan.gaps.count, 4096);
	assert_non_null(strstr(fixture->plan.gaps.items[4095].reason, "page map"));
}

static void segments_are_found_by_address(void **state)
{
	struct writer_segment items[] = { { 0x1000, 0x2000, 0, 0 },
									  { 0x3000, 0x1000, 0, 0 },
									  { 0x8000, 0x1000, 0, 0 } };
	const plan_segments segments = { items, 3, 3 }, none = { 0 };

	(void)state;
	assert_ptr_equal(plan_segments_next(&segments, 0), &items[0]);
	assert_null(plan_segments_find(&segments, 0xfff));
	assert_ptr_equal(plan_segments_find(&segments, 0x1000), &items[0]);
	assert_ptr_equal(plan_segments_find(&segments, 0x2fff), &items[0]);
	assert_ptr_equal(plan_segments_find(&segments, 0x3000), &items[1]);
	assert_null(plan_segments_find(&segments, 0x4000));
	assert_ptr_equal(plan_segments_next(&segments, 0x4000), &items[2]);
	assert_ptr_equal(plan_segments_find(&segments, 0x8fff), &items[2]);
	assert_null(plan_segments_next(&segments, 0x9000));
	assert_null(plan_segments_find(&segments, UINT64_MAX));
	assert_null(plan_segments_next(&none, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mappings_are_told_apart, make, drop),
		cmocka_unit_test_setup_teardown(native_leaves_out_what_is_elsewhere, make, drop),
		cmocka_unit_test_setup_teardown(selections_are_read, make, drop),
		cmocka_unit_test_setup_teardown(java_heaps_are_left_out, make, drop),
		cmocka_unit_test_setup_teardown(stacks_are_found_by_their_pointer, make, drop),
		cmocka_unit_test_setup_teardown(only_what_a_running_target_writes_is_torn, make, drop),
		cmocka_unit_test(empty_mappings_are_asked),
		cmocka_unit_test_setup_teardown(short_holes_stay_in_a_segment, make, drop),
		cmocka_unit_test_setup_teardown(long_holes_and_swapped_pages_split, make, drop),
		cmocka_unit_test_setup_teardown(swapped_pages_are_data_where_they_are_read, make, drop),
		cmocka_unit_test_setup_teardown(files_have_no_holes, make, drop),
		cmocka_unit_test_setup_teardown(modules_give_their_first_page, make, drop),
		cmocka_unit_test_setup_teardown(what_is_left_out_is_a_gap_where_something_was, make, drop),
		cmocka_unit_test_setup_teardown(the_vdso_is_whole, make, drop),
		cmocka_unit_test_setup_teardown(swapped_gaps_are_bounded, make, drop),
		cmocka_unit_test(segments_are_found_by_address),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
