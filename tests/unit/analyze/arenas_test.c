#include "tests/unit/unit.h"

#include "analyze/heap/arenas.h"
#include "analyze/heap/blocks.h"
#include "tests/support/heap_builder.h"

#include <string.h>

struct row {
	const char *class;
	unsigned word;
	const char *found; /* name of the row that must be chosen */
};

static const struct row all_rows[] = {
	{ "A0", 8, "A0" }, { "A1", 8, "A1" }, { "B", 8, "B" },   { "C", 8, "C" }, { "C-2.26", 8, "C" },
	{ "D", 8, "D" },   { "A1", 4, "A1" }, { "C", 4, "C16" }, { "D", 4, "D" },
};

enum { ROWS = sizeof all_rows / sizeof all_rows[0] };

struct result {
	struct layout layout;
	arenas arenas;
	arena_blocks blocks;
	struct anomalies anomalies;
	const char *why;
	bool found;
};

static void find(struct heap_builder *builder, struct result *result)
{
	*result = (struct result){ 0 };
	result->found = arenas_find(&builder->image, &builder->regions, 1, &result->layout,
								&result->arenas, &result->why, &result->anomalies);
	if (result->found)
		blocks_find(&builder->image, &builder->regions, &result->layout, &result->arenas,
					&result->blocks, &result->anomalies);
}

static void forget(struct result *result)
{
	vec_deinit(&result->arenas);
	vec_deinit(&result->blocks);
	anomalies_deinit(&result->anomalies);
}

/* Main and two secondary arenas, the second of which has two heaps. */
static void build(struct heap_builder *builder, const char *class, unsigned word)
{
	size_t one, two;

	heap_builder_init(builder, class, word);
	heap_builder_chunk(builder, 0, 48, HEAP_USED);
	one = heap_builder_arena(builder, 0x21000);
	two = heap_builder_arena(builder, 0x21000);
	heap_builder_chunk(builder, one, 64, HEAP_USED);
	heap_builder_chunk(builder, two, 64, HEAP_USED);
	heap_builder_heap(builder, two, 0x40000);
	heap_builder_chunk(builder, two, 64, HEAP_USED);
	heap_builder_finish(builder);
}

static void every_class_is_told_from_the_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct heap_builder builder;
		struct result result;

		build(&builder, all_rows[i].class, all_rows[i].word);
		find(&builder, &result);
		assert_true(result.found);
		assert_string_equal(result.layout.state->name, all_rows[i].found);
		assert_int_equal(result.layout.alignment, builder.class->alignment);
		assert_int_equal(result.layout.heap_info->bytes, builder.class->heap_info_bytes);
		assert_int_equal(result.arenas.count, 3);
		assert_true(result.arenas.items[0].main && result.arenas.items[0].contiguous);
		assert_false(result.arenas.items[1].main || result.arenas.items[2].main);
		assert_int_equal(result.arenas.items[0].address, builder.arenas.items[0].address);
		assert_int_equal(result.blocks.count, 4);
		assert_int_equal(result.anomalies.rows.count, 0);
		forget(&result);
		heap_builder_deinit(&builder);
	}
}

static void one_arena_tells_its_class_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct heap_builder builder;
		struct result result;

		heap_builder_init(&builder, all_rows[i].class, all_rows[i].word);
		heap_builder_chunk(&builder, 0, 48, HEAP_USED);
		heap_builder_finish(&builder);
		find(&builder, &result);
		assert_true(result.found);
		assert_string_equal(result.layout.state->name, all_rows[i].found);
		assert_null(result.layout.heap_info);
		assert_int_equal(result.blocks.count, 1);
		assert_int_equal(result.blocks.items[0].range.start, builder.arenas.items[0].heap);
		forget(&result);
		heap_builder_deinit(&builder);
	}
}

static void an_untouched_arena_is_no_arena(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	heap_builder_set(&builder, builder.arenas.items[0].address + 96,
					 builder.arenas.items[0].address + 96);
	find(&builder, &result);
	assert_false(result.found);
	assert_non_null(strstr(result.why, "nothing was allocated"));
	assert_int_equal(result.anomalies.rows.count, 0);
	forget(&result);
	heap_builder_deinit(&builder);
}

static void no_arena_is_said(void **state)
{
	struct heap_builder builder;
	struct result result;
	vaddr fake;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	fake = builder.arenas.items[0].address;
	memset(builder.areas.items[0].bytes, 0, (size_t)range_bytes(builder.areas.items[0].range));
	/* What has the last bin and the ring of a malloc_state, but no other bins. */
	heap_builder_set(&builder, fake + 112 + 252 * 8, fake + 112 + 250 * 8);
	heap_builder_set(&builder, fake + 112 + 253 * 8, fake + 112 + 250 * 8);
	heap_builder_set(&builder, fake + 2160, fake);
	find(&builder, &result);
	assert_false(result.found);
	assert_non_null(strstr(result.why, "no malloc arena"));
	forget(&result);
	heap_builder_deinit(&builder);
}

/* A core that does not say what is a module. */
static void arenas_are_found_outside_of_modules(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	build(&builder, "C", 8);
	for (size_t i = 0; i < builder.regions.items.count; i++)
		builder.regions.items.items[i].kind = REGION_ANONYMOUS;
	find(&builder, &result);
	assert_true(result.found);
	assert_int_equal(result.arenas.count, 3);
	forget(&result);
	heap_builder_deinit(&builder);
}

/* Every second pair of words looks like an empty bin that is the last one, and each as a `next`
 * leads to another such state: rings without end, from every address. */
static void memory_full_of_false_rings_is_given_up(void **state)
{
	const struct range area = { 0x7ffe00000000, 0x7ffe00080000 };
	struct heap_builder builder;
	struct result result;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	memset(builder.areas.items[0].bytes, 0, (size_t)range_bytes(builder.areas.items[0].range));
	heap_builder_area(&builder, area, REGION_ANONYMOUS);
	for (vaddr at = area.start; at < area.end; at += 16) {
		heap_builder_set(&builder, at, at & 16 ? at - 16 : area.start + 16);
		heap_builder_set(&builder, at + 8, at - 16);
	}
	find(&builder, &result);
	assert_false(result.found);
	assert_non_null(strstr(result.why, "given up"));
	forget(&result);
	heap_builder_deinit(&builder);
}

/* Bins beyond doubt, a `next` that leads nowhere, and system_mem of other brk memory than there is:
 * the words that point to the malloc_state, as thread_arena does, tell where it starts; without one
 * it stays open. */
static void a_main_arena_alone_is_found_by_who_points_to_it(void **state)
{
	static const struct {
		const char *class;
		unsigned word;
	} rows[] = { { "A1", 8 }, { "B", 8 }, { "C", 8 }, { "D", 8 },
				 { "A1", 4 }, { "C", 4 }, { "D", 4 } };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		struct heap_builder builder;
		struct result result;
		vaddr main_arena;

		heap_builder_init(&builder, rows[i / 2].class, rows[i / 2].word);
		main_arena = builder.arenas.items[0].address;
		heap_builder_chunk(&builder, 0, 0x2000, HEAP_USED);
		heap_builder_thread(&builder, 100, i % 2 ? 0 : SIZE_MAX, 0);
		heap_builder_finish(&builder);
		heap_builder_set(&builder, main_arena + builder.class->next_at, 0x1000);
		heap_builder_set(&builder, main_arena + builder.class->system_mem_at, 0xff000);
		find(&builder, &result);
		assert_int_equal(result.found, i % 2);
		if (result.found)
			assert_int_equal(result.arenas.items[0].address, main_arena);
		forget(&result);
		heap_builder_deinit(&builder);
	}
}

static void damaged_system_mem_costs_no_single_arena(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	for (unsigned field = 2184; field <= 2192; field += 8) {
		heap_builder_init(&builder, "C", 8);
		heap_builder_chunk(&builder, 0, 48, HEAP_USED);
		heap_builder_finish(&builder);
		heap_builder_set(&builder, builder.arenas.items[0].address + field, 24);
		find(&builder, &result);
		assert_true(result.found);
		assert_int_equal(result.blocks.count, 1);
		assert_int_equal(result.blocks.items[0].range.start, builder.arenas.items[0].heap);
		forget(&result);
		heap_builder_deinit(&builder);
	}
}

/* `next`, the last bins, or both: top, system_mem and the chunks still say what it is. */
static void a_single_arena_is_found_by_its_chunks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (unsigned damage = 0; damage < 4; damage++) {
			struct heap_builder builder;
			struct result result;
			vaddr arena;

			heap_builder_init(&builder, all_rows[i].class, all_rows[i].word);
			for (int k = 0; k < 10; k++)
				heap_builder_chunk(&builder, 0, 48, HEAP_USED);
			heap_builder_finish(&builder);
			arena = builder.arenas.items[0].address;
			if (damage != 1)
				heap_builder_set(&builder, arena + builder.class->next_at, 0x1234);
			for (unsigned bin = 0; damage && bin < damage; bin++)
				heap_builder_set(
					&builder, arena + builder.class->bins_at + (252 - 2 * bin) * all_rows[i].word,
					0x4141);
			find(&builder, &result);
			assert_true(result.found);
			assert_int_equal(result.arenas.count, 1);
			assert_int_equal(result.arenas.items[0].address, arena);
			assert_string_equal(result.layout.state->name, all_rows[i].found);
			assert_int_equal(result.blocks.count, 1);
			assert_int_equal(result.anomalies.rows.count, damage != 1); /* the ring is broken */
			forget(&result);
			heap_builder_deinit(&builder);
		}
}

/* Where the chunks do not say it either, nothing is invented. */
static void a_single_arena_is_not_guessed(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	for (int k = 0; k < 10; k++)
		heap_builder_chunk(&builder, 0, 48, HEAP_USED);
	heap_builder_finish(&builder);
	heap_builder_set(&builder, builder.arenas.items[0].address + 2160, 0x1234);
	heap_builder_set(&builder, builder.arenas.items[0].heap + 56, 0x4141);
	find(&builder, &result);
	assert_false(result.found);
	assert_non_null(strstr(result.why, "no malloc arena"));
	forget(&result);
	heap_builder_deinit(&builder);
}

static void a_broken_ring_keeps_what_is_left(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	build(&builder, "C", 8);
	heap_builder_set(&builder, builder.arenas.items[2].address + 2160, 0x1234);
	find(&builder, &result);
	assert_true(result.found);
	assert_int_equal(result.arenas.count, 3);
	assert_int_equal(result.blocks.count, 4);
	assert_true(result.arenas.items[0].main);
	assert_int_equal(result.anomalies.rows.count, 2); /* broken, and what it leaves out */
	forget(&result);
	heap_builder_deinit(&builder);
}

static void the_ring_may_lead_anywhere(void **state)
{
	/* Each member's `next`, and where it leads then: to itself, past a member, back into the ring
	 * behind its start, to another place in a malloc_state, to nothing. */
	(void)state;
	for (size_t from = 0; from < 3; from++)
		for (size_t to = 0; to < 5; to++) {
			struct heap_builder builder;
			struct result result;
			vaddr target = 0;

			build(&builder, "C", 8);
			if (to < 3)
				target = builder.arenas.items[to].address;
			else if (to == 3)
				target = builder.arenas.items[0].address + 0x250;
			heap_builder_set(&builder, builder.arenas.items[from].address + 2160, target);
			find(&builder, &result);
			assert_true(result.found);
			assert_int_equal(result.arenas.count, 3);
			assert_true(result.arenas.items[0].main);
			assert_false(result.arenas.items[1].main || result.arenas.items[2].main);
			assert_int_equal(result.blocks.count, 4);
			forget(&result);
			heap_builder_deinit(&builder);
		}
}

static void a_damaged_bin_costs_no_arena(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	build(&builder, "C", 8);
	for (unsigned i = 40; i < 60; i++)
		heap_builder_set(&builder, builder.arenas.items[0].address + 112 + i * 8, 0x4141414141);
	find(&builder, &result);
	assert_true(result.found);
	assert_int_equal(result.arenas.count, 3);
	forget(&result);
	heap_builder_deinit(&builder);
}

/* More arenas against the class than for it, and still one for it. */
static void arenas_that_contradict_each_other_do_no_harm(void **state)
{
	unsigned undecided = 0;

	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		struct heap_builder builder;
		struct result result;

		build(&builder, all_rows[i].class, all_rows[i].word);
		heap_builder_set(&builder,
						 builder.arenas.items[0].address + builder.class->bins_at -
							 2 * all_rows[i].word,
						 builder.arenas.items[0].cursor + 4);
		for (unsigned k = 1; k < 3; k++)
			heap_builder_set(
				&builder, builder.arenas.items[k].address + builder.class->system_mem_at, 0x21001);
		find(&builder, &result);
		if (!result.found) {
			assert_non_null(strstr(result.why, "damaged"));
			assert_int_equal(result.anomalies.rows.count, 1);
		}
		undecided += !result.found;
		forget(&result);
		heap_builder_deinit(&builder);
	}
	assert_int_equal(undecided, 4); /* A0, A1 and B are told apart by these fields alone */
}

/* A live capture: no list is whole any more, but every head is some chunk's address. */
static void a_torn_arena_is_an_arena(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	build(&builder, "C", 8);
	for (unsigned i = 0; i < 252; i++)
		heap_builder_set(&builder, builder.arenas.items[2].address + 112 + i * 8,
						 builder.arenas.items[0].heap + i * 64);
	find(&builder, &result);
	assert_true(result.found);
	assert_int_equal(result.arenas.count, 3);
	assert_int_equal(result.anomalies.rows.count, 0);
	forget(&result);
	heap_builder_deinit(&builder);
}

static void a_broken_heap_chain_is_scanned_for(void **state)
{
	struct heap_builder builder;
	struct result result;
	size_t arena;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	heap_builder_chunk(&builder, 0, 48, HEAP_USED);
	arena = heap_builder_arena(&builder, 0x21000);
	for (int i = 0; i < 3; i++)
		heap_builder_heap(&builder, arena, 0x21000);
	heap_builder_finish(&builder);
	heap_builder_set(&builder, builder.arenas.items[arena].heap + 8, 0x99);
	find(&builder, &result);
	assert_true(result.found);
	assert_int_equal(result.blocks.count, 5);
	assert_int_equal(result.anomalies.rows.count, 0);
	forget(&result);
	heap_builder_deinit(&builder);
}

static void a_damaged_heap_info_is_said(void **state)
{
	struct heap_builder builder;
	struct result result;

	(void)state;
	build(&builder, "C", 8);
	heap_builder_set(&builder, builder.arenas.items[2].heap + 16, 0x123);
	find(&builder, &result);
	assert_true(result.found);
	assert_int_equal(result.anomalies.rows.count, 1);
	forget(&result);
	heap_builder_deinit(&builder);
}

static void heaps_of_four_huge_pages_are_known(void **state)
{
	struct heap_builder builder;
	struct result result;
	size_t arena;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	builder.next_heap += 8 << 20;
	heap_builder_chunk(&builder, 0, 48, HEAP_USED);
	arena = heap_builder_arena(&builder, 0x21000);
	heap_builder_chunk(&builder, arena, 48, HEAP_USED);
	heap_builder_finish(&builder);
	find(&builder, &result);
	assert_true(result.found);
	assert_int_equal(result.layout.heap_max, 8 << 20);
	assert_int_equal(result.blocks.count, 2);
	forget(&result);
	heap_builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_is_told_from_the_others),
		cmocka_unit_test(one_arena_tells_its_class_too),
		cmocka_unit_test(an_untouched_arena_is_no_arena),
		cmocka_unit_test(no_arena_is_said),
		cmocka_unit_test(arenas_are_found_outside_of_modules),
		cmocka_unit_test(memory_full_of_false_rings_is_given_up),
		cmocka_unit_test(a_main_arena_alone_is_found_by_who_points_to_it),
		cmocka_unit_test(damaged_system_mem_costs_no_single_arena),
		cmocka_unit_test(a_single_arena_is_found_by_its_chunks),
		cmocka_unit_test(a_single_arena_is_not_guessed),
		cmocka_unit_test(a_broken_ring_keeps_what_is_left),
		cmocka_unit_test(the_ring_may_lead_anywhere),
		cmocka_unit_test(a_damaged_bin_costs_no_arena),
		cmocka_unit_test(arenas_that_contradict_each_other_do_no_harm),
		cmocka_unit_test(a_torn_arena_is_an_arena),
		cmocka_unit_test(a_broken_heap_chain_is_scanned_for),
		cmocka_unit_test(a_damaged_heap_info_is_said),
		cmocka_unit_test(heaps_of_four_huge_pages_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
