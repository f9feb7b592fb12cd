#include "tests/unit/unit.h"

#include "archive/page_map.h"

#include <string.h>

enum { PAGE = 4096 };

static struct range pages(vaddr first, uint64_t count)
{
	return (struct range){ first * PAGE, (first + count) * PAGE };
}

static struct page_map sample(void)
{
	struct page_map map = { .page_size = PAGE };

	page_map_append(&map, pages(16, 4), PAGE_PRESENT);
	page_map_append(&map, pages(20, 2), PAGE_ABSENT);
	page_map_append(&map, pages(22, 1), PAGE_SWAPPED);
	page_map_append(&map, pages(40, 8), PAGE_TORN);
	return map;
}

static void neighbours_of_one_state_are_one_run(void **state)
{
	struct page_map map = { .page_size = PAGE };

	(void)state;
	page_map_append(&map, pages(1, 1), PAGE_PRESENT);
	page_map_append(&map, pages(2, 1), PAGE_PRESENT);
	page_map_append(&map, pages(3, 0), PAGE_ZERO);
	page_map_append(&map, pages(3, 1), PAGE_PRESENT);
	assert_int_equal(map.runs.count, 1);
	page_map_append(&map, pages(5, 1), PAGE_PRESENT);
	page_map_append(&map, pages(6, 1), PAGE_ZERO);
	assert_int_equal(map.runs.count, 3);
	page_map_deinit(&map);
}

static void addresses_are_found(void **state)
{
	struct page_map map = sample();

	(void)state;
	assert_int_equal(page_map_find(&map, 0), 0);
	assert_int_equal(page_map_find(&map, 16 * PAGE), 0);
	assert_int_equal(page_map_find(&map, 20 * PAGE - 1), 0);
	assert_int_equal(page_map_find(&map, 20 * PAGE), 1);
	assert_int_equal(page_map_find(&map, 30 * PAGE), 3);
	assert_int_equal(page_map_find(&map, 48 * PAGE), 4);
	page_map_deinit(&map);
}

static void sums_cut_runs_at_the_range(void **state)
{
	struct page_map map = sample();
	uint64_t bytes[PAGE_STATES];

	(void)state;
	page_map_sum(&map, pages(18, 24), bytes);
	assert_int_equal(bytes[PAGE_PRESENT], 2 * PAGE);
	assert_int_equal(bytes[PAGE_ABSENT], 2 * PAGE);
	assert_int_equal(bytes[PAGE_SWAPPED], PAGE);
	assert_int_equal(bytes[PAGE_TORN], 2 * PAGE);
	assert_int_equal(bytes[PAGE_ZERO], 0);
	assert_int_equal(page_map_resident(&map, pages(0, 100)), 12 * PAGE);
	assert_int_equal(page_map_resident(&map, pages(23, 17)), 0);
	page_map_deinit(&map);
}

static void reserved_runs_are_not_allocated_again(void **state)
{
	struct page_map map = { .page_size = PAGE };
	const struct page_run *items;

	(void)state;
	page_map_reserve(&map, 1000);
	items = map.runs.items;
	for (vaddr i = 0; i < 1000; i++)
		page_map_append(&map, pages(i * 2, 1), PAGE_PRESENT);
	assert_ptr_equal(map.runs.items, items);
	page_map_deinit(&map);
}

static void encoding_comes_back(void **state)
{
	struct page_map map = sample(), back;
	struct strbuf note = { 0 };
	struct err err = { 0 };

	(void)state;
	page_map_encode(&map, &note);
	assert_int_equal(note.size, page_map_encoded_bytes(&map));
	assert_true(page_map_decode(strbuf_span(&note), false, &back, &err));
	assert_int_equal(back.page_size, PAGE);
	assert_int_equal(back.runs.count, map.runs.count);
	for (size_t i = 0; i < map.runs.count; i++) {
		assert_int_equal(back.runs.items[i].range.start, map.runs.items[i].range.start);
		assert_int_equal(back.runs.items[i].range.end, map.runs.items[i].range.end);
		assert_int_equal(back.runs.items[i].state, map.runs.items[i].state);
	}
	page_map_deinit(&back);
	page_map_deinit(&map);
	strbuf_deinit(&note);
}

static void big_endian_is_read(void **state)
{
	static const uint8_t note[] = { 0, 0, 0, 1, 0,    0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 1,
									0, 0, 0, 0, 0x12, 0, 0,    0, 0, 0, 0, 0, 0, 0, 3, 2 };
	struct page_map map;
	struct err err = { 0 };

	(void)state;
	assert_true(page_map_decode(span_make(note, sizeof note), true, &map, &err));
	assert_int_equal(map.runs.items[0].range.start, 0x12000000);
	assert_int_equal(map.runs.items[0].range.end, 0x12003000);
	assert_int_equal(map.runs.items[0].state, PAGE_SWAPPED);
	page_map_deinit(&map);
}

struct words {
	uint32_t version, page_size;
	uint64_t runs, start1, pages1, start2, pages2;
};

static void refuse(struct words words, size_t size, enum err_kind kind)
{
	struct page_map map;
	struct err err = { 0 };

	assert_false(page_map_decode(span_make(&words, size), false, &map, &err));
	assert_int_equal(err.kind, kind);
	assert_int_equal(map.runs.count, 0);
}

static void odd_maps_are_refused(void **state)
{
	const struct words good = { 1, PAGE, 2, 0x1000, 2 << 8 | 1, 0x3000, 1 << 8 | 1 };
	struct words bad;

	(void)state;
	refuse(good, 15, ERR_FORMAT);
	refuse(good, sizeof good - 1, ERR_FORMAT);
	bad = good, bad.version = 2;
	refuse(bad, sizeof bad, ERR_UNSUPPORTED);
	bad = good, bad.page_size = 0;
	refuse(bad, sizeof bad, ERR_FORMAT);
	bad = good, bad.runs = UINT64_MAX;
	refuse(bad, sizeof bad, ERR_LIMIT);
	bad = good, bad.start2 = 0x2000;
	refuse(bad, sizeof bad, ERR_FORMAT);
	bad = good, bad.start2 = 0;
	refuse(bad, sizeof bad, ERR_FORMAT);
	bad = good, bad.pages2 = 1 << 8 | PAGE_STATES;
	refuse(bad, sizeof bad, ERR_FORMAT);
	bad = good, bad.pages2 = UINT64_MAX << 8;
	refuse(bad, sizeof bad, ERR_FORMAT);
	bad = good, bad.start1 = 0x1001;
	refuse(bad, sizeof bad, ERR_FORMAT);
}

/* Whatever is accepted is sorted and aligned. */
static void check_damaged(struct span note)
{
	struct page_map map;

	if (!page_map_decode(note, false, &map, NULL))
		return;
	for (size_t i = 1; i < map.runs.count; i++)
		assert_true(map.runs.items[i - 1].range.end <= map.runs.items[i].range.start);
	page_map_deinit(&map);
}

static void damage_is_survived(void **state)
{
	struct page_map map = sample();
	struct strbuf note = { 0 };

	(void)state;
	page_map_encode(&map, &note);
	for (size_t i = 0; i < note.size * 8; i++) {
		note.data[i / 8] = (char)(note.data[i / 8] ^ 1 << i % 8);
		check_damaged(strbuf_span(&note));
		note.data[i / 8] = (char)(note.data[i / 8] ^ 1 << i % 8);
		check_damaged(span_part(strbuf_span(&note), 0, i / 8));
	}
	page_map_deinit(&map);
	strbuf_deinit(&note);
}

static void maps_of_different_ranges_are_merged(void **state)
{
	struct page_map a = { .page_size = 4096 }, b = { .page_size = 4096 }, both = { 0 };

	(void)state;
	page_map_append(&a, (struct range){ 0x1000, 0x2000 }, PAGE_PRESENT);
	page_map_append(&a, (struct range){ 0x8000, 0x9000 }, PAGE_ABSENT);
	page_map_append(&b, (struct range){ 0x2000, 0x4000 }, PAGE_PRESENT);
	page_map_append(&b, (struct range){ 0x9000, 0xa000 }, PAGE_TORN);
	page_map_merge(&a, &b, &both);
	assert_int_equal(both.page_size, 4096);
	assert_int_equal(both.runs.count, 3);
	assert_int_equal(both.runs.items[0].range.end, 0x4000); /* neighbours are one run */
	assert_int_equal(both.runs.items[1].range.start, 0x8000);
	assert_int_equal(both.runs.items[2].state, PAGE_TORN);
	page_map_deinit(&a);
	page_map_deinit(&b);
	page_map_deinit(&both);
}

/* --- layers --- */

static struct page_map layer(const struct page_run *runs, size_t count)
{
	struct page_map map = { .page_size = 4096 };

	for (size_t i = 0; i < count; i++)
		page_map_append(&map, runs[i].range, runs[i].state);
	return map;
}

/* The upper layer counts where it has a run, the lower one shows through its gaps, and what is in
 * neither is absent. Runs are cut at the borders of layers and range. */
static void upper_layers_cover_lower_ones(void **state)
{
	const struct page_run above[] = { { { 0x2000, 0x4000 }, PAGE_TORN },
									  { { 0x6000, 0x7000 }, PAGE_ABSENT },
									  { { 0xb000, 0xd000 }, PAGE_ZERO } };
	const struct page_run below[] = { { { 0x1000, 0x3000 }, PAGE_PRESENT },
									  { { 0x5000, 0x8000 }, PAGE_PRESENT },
									  { { 0xa000, 0xf000 }, PAGE_SWAPPED } };
	const struct page_run wanted[] = {
		{ { 0x1000, 0x2000 }, PAGE_PRESENT }, { { 0x2000, 0x4000 }, PAGE_TORN },
		{ { 0x4000, 0x5000 }, PAGE_ABSENT },  { { 0x5000, 0x6000 }, PAGE_PRESENT },
		{ { 0x6000, 0x7000 }, PAGE_ABSENT },  { { 0x7000, 0x8000 }, PAGE_PRESENT },
		{ { 0x8000, 0xa000 }, PAGE_ABSENT },  { { 0xa000, 0xb000 }, PAGE_SWAPPED },
		{ { 0xb000, 0xd000 }, PAGE_ZERO },    { { 0xd000, 0xe000 }, PAGE_SWAPPED }
	};
	struct page_map upper = layer(above, 3), lower = layer(below, 3), map = { .page_size = 4096 };
	const struct page_map *const layers[] = { &upper, &lower };

	(void)state;
	page_map_append_layers(&map, layers, 2, (struct range){ 0x1000, 0xe000 });
	assert_int_equal(map.runs.count, sizeof wanted / sizeof *wanted);
	for (size_t i = 0; i < map.runs.count; i++) {
		assert_true(map.runs.items[i].range.start == wanted[i].range.start);
		assert_true(map.runs.items[i].range.end == wanted[i].range.end);
		assert_int_equal(map.runs.items[i].state, wanted[i].state);
	}
	page_map_deinit(&map);
	page_map_deinit(&upper);
	page_map_deinit(&lower);
}

static void layers_of_one_state_are_one_run(void **state)
{
	const struct page_run above[] = { { { 0x2000, 0x3000 }, PAGE_PRESENT } };
	const struct page_run below[] = { { { 0x1000, 0x2000 }, PAGE_PRESENT },
									  { { 0x3000, 0x9000 }, PAGE_PRESENT } };
	struct page_map upper = layer(above, 1), lower = layer(below, 2), none = { .page_size = 4096 };
	const struct page_map *const layers[] = { &none, &upper, &lower };
	struct page_map map = { .page_size = 4096 };

	(void)state;
	page_map_append_layers(&map, layers, 3, (struct range){ 0x1000, 0x4000 });
	page_map_append_layers(&map, layers, 3, (struct range){ 0x4000, 0x4000 }); /* nothing */
	page_map_append_layers(&map, layers, 3, (struct range){ 0x4000, 0x6000 });
	assert_int_equal(map.runs.count, 1);
	assert_true(map.runs.items[0].range.start == 0x1000 && map.runs.items[0].range.end == 0x6000);
	page_map_append_layers(&map, layers, 1, (struct range){ 0x6000, 0x7000 });
	assert_int_equal(map.runs.items[1].state, PAGE_ABSENT);
	page_map_deinit(&map);
	page_map_deinit(&upper);
	page_map_deinit(&lower);
}

/* Every page of random layers, against the plain rule. */
static void layers_agree_page_by_page(void **state)
{
	enum { LAYERS = 3, PAGES = 64 };
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		int states[LAYERS][PAGES];
		struct page_map maps[LAYERS], map = { .page_size = 4096 };
		const struct page_map *layers[LAYERS];

		for (int i = 0; i < LAYERS; i++) {
			maps[i] = (struct page_map){ .page_size = 4096 };
			layers[i] = &maps[i];
			for (uint64_t page = 0; page < PAGES; page++) {
				struct range range = { page << 12, (page + 1) << 12 };

				seed = seed * 1664525U + 1013904223U;
				states[i][page] = (int)(seed >> 20) % (2 * PAGE_STATES) - PAGE_STATES;
				if (states[i][page] >= 0)
					page_map_append(&maps[i], range, (enum page_state)states[i][page]);
			}
		}
		page_map_append_layers(&map, layers, LAYERS, (struct range){ 0, PAGES << 12 });
		for (uint64_t page = 0; page < PAGES; page++) {
			int wanted = PAGE_ABSENT;

			for (int i = LAYERS - 1; i >= 0; i--)
				wanted = states[i][page] >= 0 ? states[i][page] : wanted;
			assert_int_equal(map.runs.items[page_map_find(&map, page << 12)].state, wanted);
		}
		for (int i = 0; i < LAYERS; i++)
			page_map_deinit(&maps[i]);
		page_map_deinit(&map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_of_one_state_are_one_run),
		cmocka_unit_test(addresses_are_found),
		cmocka_unit_test(sums_cut_runs_at_the_range),
		cmocka_unit_test(reserved_runs_are_not_allocated_again),
		cmocka_unit_test(encoding_comes_back),
		cmocka_unit_test(big_endian_is_read),
		cmocka_unit_test(odd_maps_are_refused),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(maps_of_different_ranges_are_merged),
		cmocka_unit_test(upper_layers_cover_lower_ones),
		cmocka_unit_test(layers_of_one_state_are_one_run),
		cmocka_unit_test(layers_agree_page_by_page),
	};

	return cmocka_run_group_tests_name("page_map", tests, NULL, NULL);
}
