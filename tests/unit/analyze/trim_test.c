#include "tests/unit/unit.h"

#include "analyze/heap/trim.h"

#include <string.h>

enum { START = 0x100000, PAGE = 4096 };

struct piece_of_block {
	uint64_t bytes;
	enum chunk_state state;
};

/* What trim says of a block of these chunks (ended by one of 0 bytes), with pages [absent_from,
 * absent_to) not resident. Of every free byte that is resident it says one thing. */
static struct trim_sum trim_sum(const struct piece_of_block *pieces, uint64_t top_unit,
								vaddr absent_from, vaddr absent_to)
{
	const struct layout_state *rows;
	struct page_map map = { .page_size = PAGE };
	uint32_t packed[16];
	struct chunk_block block = { .packed = packed };
	struct layout layout;
	struct trim_sum sum = { 0 };
	uint64_t said = 0, free = 0;
	vaddr at = START;

	for (; pieces->bytes; pieces++) {
		packed[block.count++] = (uint32_t)(at - START) | (uint32_t)pieces->state;
		at += pieces->bytes;
	}
	block.range = (struct range){ START, at };
	page_map_append(&map, (struct range){ START, absent_from }, PAGE_PRESENT);
	page_map_append(&map, (struct range){ absent_from, absent_to }, PAGE_ABSENT);
	page_map_append(&map, (struct range){ absent_to, at }, PAGE_PRESENT);
	layout_states(&rows);
	layout_choose(&layout, &rows[3], PAGE);
	trim_block(&block, &layout, top_unit, &map, &sum);
	for (size_t i = 0; i < block.count; i++) {
		struct chunk chunk = chunk_block_get(&block, i);

		if (chunk_is_free(chunk.state))
			free += page_map_resident(&map,
									  (struct range){ chunk.address, chunk.address + chunk.bytes });
	}
	for (int i = 0; i < TRIM_CAUSES; i++)
		said += sum.pinned[i];
	assert_int_equal(sum.bytes + said, free);
	page_map_deinit(&map);
	return sum;
}

static uint64_t trim(const struct piece_of_block *pieces, bool brk_top, vaddr absent_from,
					 vaddr absent_to)
{
	return trim_sum(pieces, brk_top ? PAGE : 0, absent_from, absent_to).bytes;
}

static uint64_t trim_all(const struct piece_of_block *pieces, bool brk_top)
{
	return trim(pieces, brk_top, START, START);
}

static void whole_pages_inside_a_free_chunk_go(void **state)
{
	const struct piece_of_block pieces[] = {
		{ 64, CHUNK_IN_USE }, { 4 * PAGE, CHUNK_BINNED }, { 64, CHUNK_IN_USE }, { 0, 0 }
	};

	(void)state;
	assert_int_equal(trim_all(pieces, true), 3 * PAGE);
}

/* malloc.c, mtrim: only chunks larger than a page and a chunk header (48 bytes) are looked at. */
static void small_free_chunks_are_pinned(void **state)
{
	const struct piece_of_block small[] = {
		{ PAGE - 48, CHUNK_IN_USE }, { PAGE + 32, CHUNK_BINNED }, { 64, CHUNK_IN_USE }, { 0, 0 }
	};
	const struct piece_of_block enough[] = {
		{ PAGE - 48, CHUNK_IN_USE }, { PAGE + 48, CHUNK_BINNED }, { 64, CHUNK_IN_USE }, { 0, 0 }
	};

	(void)state;
	assert_int_equal(trim_all(small, true), 0);
	assert_int_equal(trim_all(enough, true), PAGE);
}

static void fastbins_are_joined_first(void **state)
{
	const struct piece_of_block pieces[] = {
		{ 64, CHUNK_IN_USE },        { 64, CHUNK_FASTBIN }, { 2 * PAGE - 128, CHUNK_BINNED },
		{ 2 * PAGE, CHUNK_FASTBIN }, { 64, CHUNK_IN_USE },  { 0, 0 }
	};

	(void)state;
	assert_int_equal(trim_all(pieces, true), 3 * PAGE);
}

static void tcache_pins(void **state)
{
	const struct piece_of_block pieces[] = { { 64, CHUNK_IN_USE }, { 3000, CHUNK_BINNED },
											 { 32, CHUNK_TCACHE }, { 3000, CHUNK_BINNED },
											 { 64, CHUNK_IN_USE }, { 0, 0 } };

	(void)state;
	assert_int_equal(trim_all(pieces, true), 0);
}

/* malloc.c, systrim: top - MINSIZE - 1, rounded down to pages. */
static void only_the_brk_top_is_cut(void **state)
{
	const struct piece_of_block pieces[] = { { PAGE - 64, CHUNK_IN_USE },
											 { 4 * PAGE + 64, CHUNK_TOP },
											 { 0, 0 } };
	const struct piece_of_block joined[] = {
		{ 64, CHUNK_IN_USE }, { PAGE - 64, CHUNK_FASTBIN }, { 4 * PAGE, CHUNK_TOP }, { 0, 0 }
	};

	(void)state;
	assert_int_equal(trim_all(pieces, true), 4 * PAGE);
	assert_int_equal(trim_all(pieces, false), 0);
	assert_int_equal(trim_all(joined, true), 4 * PAGE);
}

static void what_is_gone_already_does_not_count(void **state)
{
	const struct piece_of_block pieces[] = {
		{ 64, CHUNK_IN_USE }, { 4 * PAGE, CHUNK_BINNED }, { 64, CHUNK_IN_USE }, { 0, 0 }
	};

	(void)state;
	assert_int_equal(trim(pieces, true, START + PAGE, START + 3 * PAGE), PAGE);
}

/* malloc.c, systrim: in steps of thp_pagesize where brk memory is made of huge pages. */
static void a_top_of_huge_pages_goes_by_huge_pages(void **state)
{
	enum { HUGE = 512 * PAGE };
	const struct piece_of_block pieces[] = { { PAGE, CHUNK_IN_USE },
											 { HUGE + 3 * PAGE, CHUNK_TOP },
											 { 0, 0 } };
	const struct piece_of_block less[] = { { PAGE, CHUNK_IN_USE }, { HUGE, CHUNK_TOP }, { 0, 0 } };

	(void)state;
	assert_int_equal(trim_sum(pieces, HUGE, START, START).bytes, HUGE);
	assert_int_equal(trim_sum(pieces, HUGE, START, START).pinned[TRIM_EDGE], 3 * PAGE);
	assert_int_equal(trim_sum(less, HUGE, START, START).bytes, 0);
}

static void each_pinned_byte_has_a_cause(void **state)
{
	const struct piece_of_block pieces[] = {
		{ 64, CHUNK_IN_USE },       { 96, CHUNK_TCACHE },
		{ 3 * PAGE, CHUNK_BINNED }, { PAGE - 160, CHUNK_IN_USE },
		{ 192, CHUNK_FASTBIN },     { PAGE - 192, CHUNK_IN_USE },
		{ 2 * PAGE, CHUNK_TOP },    { 0, 0 }
	};
	struct trim_sum sum = trim_sum(pieces, 0, START, START);

	(void)state;
	assert_int_equal(sum.pinned[TRIM_CACHE], 96);
	assert_int_equal(sum.bytes, 2 * PAGE);
	assert_int_equal(sum.pinned[TRIM_EDGE], PAGE);
	assert_int_equal(sum.pinned[TRIM_SMALL], 192);
	assert_int_equal(sum.pinned[TRIM_TOP], 2 * PAGE);
}

/* A live chunk pins what is free on its first and on its last page, and counts once. */
static void pins_are_counted_once(void **state)
{
	const struct piece_of_block pieces[] = { { 64, CHUNK_IN_USE },
											 { 64, CHUNK_IN_USE },
											 { 96, CHUNK_BINNED },
											 { 64, CHUNK_IN_USE },
											 { PAGE - 288, CHUNK_IN_USE },
											 { 2 * PAGE, CHUNK_IN_USE },
											 { PAGE, CHUNK_IN_USE },
											 { PAGE - 64, CHUNK_IN_USE },
											 { 64, CHUNK_BINNED },
											 { 64, CHUNK_OVERHEAD },
											 { PAGE - 64, CHUNK_UNWALKABLE },
											 { 0, 0 } };
	struct trim_sum sum = trim_sum(pieces, 0, START, START);

	(void)state;
	assert_int_equal(sum.pinned[TRIM_SMALL], 160);
	assert_int_equal(sum.live_chunks, 5);
	assert_int_equal(sum.live_bytes, 64 + 64 + 64 + PAGE - 288 + PAGE - 64);
}

static void nothing_is_pinned_where_nothing_is_resident(void **state)
{
	const struct piece_of_block pieces[] = {
		{ 64, CHUNK_IN_USE }, { PAGE - 64, CHUNK_BINNED }, { PAGE, CHUNK_IN_USE }, { 0, 0 }
	};
	struct trim_sum sum = trim_sum(pieces, 0, START, START + PAGE);

	(void)state;
	assert_int_equal(sum.live_chunks, 0);
	assert_int_equal(sum.pinned[TRIM_SMALL], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_pages_inside_a_free_chunk_go),
		cmocka_unit_test(small_free_chunks_are_pinned),
		cmocka_unit_test(fastbins_are_joined_first),
		cmocka_unit_test(tcache_pins),
		cmocka_unit_test(only_the_brk_top_is_cut),
		cmocka_unit_test(what_is_gone_already_does_not_count),
		cmocka_unit_test(a_top_of_huge_pages_goes_by_huge_pages),
		cmocka_unit_test(each_pinned_byte_has_a_cause),
		cmocka_unit_test(pins_are_counted_once),
		cmocka_unit_test(nothing_is_pinned_where_nothing_is_resident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
