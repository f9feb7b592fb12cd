#include "tests/unit/unit.h"

#include "analyze/heap/trim.h"

#include <string.h>

enum { START = 0x100000, PAGE = 4096 };

struct piece_of_block {
	uint64_t bytes;
	enum chunk_state state;
};

/* Bytes trim gives back for a block of these chunks (ended by one of 0 bytes), with pages
 * [absent_from, absent_to) not resident. */
static uint64_t trim(const struct piece_of_block *pieces, bool brk_top, vaddr absent_from,
					 vaddr absent_to)
{
	const struct layout_state *rows;
	struct page_map map = { .page_size = PAGE };
	uint32_t packed[16];
	struct chunk_block block = { .packed = packed };
	struct layout layout;
	vaddr at = START;
	uint64_t bytes;

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
	bytes = trim_block(&block, &layout, brk_top, &map);
	page_map_deinit(&map);
	return bytes;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_pages_inside_a_free_chunk_go),
		cmocka_unit_test(small_free_chunks_are_pinned),
		cmocka_unit_test(fastbins_are_joined_first),
		cmocka_unit_test(tcache_pins),
		cmocka_unit_test(only_the_brk_top_is_cut),
		cmocka_unit_test(what_is_gone_already_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
