#include "tests/unit/unit.h"

#include "analyze/heap/mmapped_choice.h"

#include <string.h>

enum { MOST = 40 };

static const struct layout_state *row_of(enum layout_class class)
{
	const struct layout_state *rows;
	size_t count = layout_states(&rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].word == 8 && rows[i].class == class)
			return &rows[i];
	fail();
	return NULL;
}

enum { HUGE = 2 << 20 };

/* The mappings begin at multiples of `step`. */
static bool choose_at(enum layout_class class, const struct params *params, const uint64_t *sizes,
					  size_t count, uint64_t step, bool drop[MOST])
{
	struct range ranges[MOST];
	struct layout layout;

	layout_choose(&layout, row_of(class), 4096);
	memset(drop, 0, MOST * sizeof *drop);
	for (size_t i = 0; i < count; i++) {
		vaddr start = UINT64_C(0x7f0000000000) + (i * (64 << 20) / step + 1) * step;

		ranges[i] = (struct range){ start, start + sizes[i] };
	}
	return mmapped_choose(&layout, params, ranges, count, drop);
}

static bool choose(enum layout_class class, uint32_t n_mmaps, uint64_t mmapped_mem,
				   const uint64_t *sizes, size_t count, bool drop[MOST])
{
	struct params params = { .n_mmaps = n_mmaps, .mmapped_mem = mmapped_mem };

	return choose_at(class, &params, sizes, count, 4096, drop);
}

static void the_only_choice_is_taken(void **state)
{
	static const uint64_t sizes[] = { 0x801000, 0x14d000, 0xf4000, 0x400000, 0x23e000, 0xc3000 };
	bool drop[MOST];

	(void)state;
	assert_true(choose(LAYOUT_C, 3, 0x801000 + 0x14d000 + 0x400000, sizes, 6, drop));
	assert_true(!drop[0] && !drop[1] && drop[2] && !drop[3] && drop[4] && drop[5]);
}

static void many_small_ones_are_dropped(void **state)
{
	uint64_t sizes[MOST];
	bool drop[MOST];

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		sizes[i] = i == 7 || i == 21 ? 0x100000 : 0x2000;
	assert_true(choose(LAYOUT_C, 2, 0x200000, sizes, MOST, drop));
	for (size_t i = 0; i < MOST; i++)
		assert_int_equal(drop[i], sizes[i] == 0x2000);
}

static void without_a_single_choice_all_stay(void **state)
{
	static const uint64_t twice[] = { 0x40000, 0x21000, 0x21000, 0x50000 };
	static const uint64_t sums[] = { 0x10000, 0x20000, 0x30000, 0x40000 };
	uint64_t many[MOST];
	bool drop[MOST], none[MOST] = { false };

	(void)state;
	/* Either of two that are equal; 1 + 4 as well as 2 + 3; no choice at all; too many choices. */
	assert_false(choose(LAYOUT_C, 3, 0x21000 + 0x40000 + 0x50000, twice, 4, drop));
	assert_memory_equal(drop, none, sizeof drop);
	assert_false(choose(LAYOUT_C, 2, 0x50000, sums, 4, drop));
	assert_false(choose(LAYOUT_C, 3, 0x12345000, twice, 4, drop));
	for (size_t i = 0; i < MOST; i++)
		many[i] = (i + 1) << 12;
	assert_false(choose(LAYOUT_C, MOST - 10, 0x200000, many, MOST, drop));
	assert_memory_equal(drop, none, sizeof drop);
}

/* 0x500000 + 0x300000 are as many bytes as HUGE + 3 * HUGE, which whole huge pages are not left of;
 * nor is what does not begin with one. */
static void what_stays_in_huge_pages_is_part_of_one(void **state)
{
	static const uint64_t sizes[] = { HUGE, 3 * HUGE, 0x500000, 0x300000, 8 * HUGE };
	struct params params = { .n_mmaps = 3, .mmapped_mem = 12 * HUGE };
	bool drop[MOST], none[MOST] = { false };

	(void)state;
	assert_false(choose_at(LAYOUT_C, &params, sizes, 5, HUGE, drop));
	assert_memory_equal(drop, none, sizeof drop);
	params.huge_page = HUGE;
	assert_true(choose_at(LAYOUT_C, &params, sizes, 5, HUGE, drop));
	assert_true(!drop[0] && !drop[1] && drop[2] && drop[3] && !drop[4]);
	assert_false(choose_at(LAYOUT_C, &params, sizes, 5, HUGE + 4096, drop));
	/* where those are not what is too much, the choice is of all */
	params.mmapped_mem = HUGE + 0x800000;
	assert_true(choose_at(LAYOUT_C, &params, sizes, 5, HUGE, drop));
	assert_true(!drop[0] && drop[1] && !drop[2] && !drop[3] && drop[4]);
}

/* Each mremap counts two words that are not there. */
static void recent_releases_may_count_more(void **state)
{
	static const uint64_t sizes[] = { 0x40000, 0x21000, 0x35000 };
	bool drop[MOST];

	(void)state;
	assert_true(choose(LAYOUT_D, 2, 0x61000 + 32, sizes, 3, drop));
	assert_true(!drop[0] && !drop[1] && drop[2]);
	assert_false(choose(LAYOUT_C, 2, 0x61000 + 32, sizes, 3, drop));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_choice_is_taken),
		cmocka_unit_test(many_small_ones_are_dropped),
		cmocka_unit_test(without_a_single_choice_all_stay),
		cmocka_unit_test(what_stays_in_huge_pages_is_part_of_one),
		cmocka_unit_test(recent_releases_may_count_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
