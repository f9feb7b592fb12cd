#include "tests/unit/unit.h"

#include "analyze/heap/arenas.h"
#include "analyze/heap/walk.h"
#include "tests/support/heap_builder.h"

#include <string.h>

/* Walks the main arena's memory of a finished builder. */
static void walk_main(const struct heap_builder *builder, struct walk_result *result)
{
	struct walk walk;
	const struct heap_builder_arena *main_arena = &builder->arenas.items[0];
	struct layout layout;
	struct arena_block block = {
		.range = builder->areas.items[1].range,
		.last = main_arena->cursor,
		.has_top = true,
		.main = true,
	};

	heap_builder_layout(builder, &layout);
	block.first = layout_chunk_from(&layout, block.range.start);
	*result = (struct walk_result){ 0 };
	walk_begin(&walk, &builder->image, &layout, &block, (struct range){ block.first, block.last },
			   result);
	while (walk_step(&walk))
		;
	walk_end(&walk);
}

static void forget(struct walk_result *result)
{
	for (size_t i = 0; i < result->blocks.count; i++)
		chunk_block_deinit(&result->blocks.items[i]);
	vec_deinit(&result->blocks);
	vec_deinit(&result->damages);
}

static struct chunk chunk_at(const struct walk_result *result, vaddr address)
{
	for (size_t i = 0; i < result->blocks.count; i++) {
		const struct chunk_block *block = &result->blocks.items[i];

		if (range_holds(block->range, address))
			return chunk_block_get(block, chunk_block_find(block, address));
	}
	return (struct chunk){ 0 };
}

static void assert_chunk(const struct walk_result *result, vaddr address, uint64_t bytes,
						 enum chunk_state state)
{
	struct chunk chunk = chunk_at(result, address);

	assert_int_equal(chunk.address, address);
	assert_int_equal(chunk.bytes, bytes);
	assert_int_equal(chunk.state, state);
}

/* 48 used chunks of 64 bytes; gives the address of the first. */
static vaddr build_row(struct heap_builder *builder)
{
	vaddr first = 0;

	heap_builder_init(builder, "C", 8);
	for (int i = 0; i < 48; i++) {
		vaddr chunk = heap_builder_chunk(builder, 0, 64, HEAP_USED);

		first = first ? first : chunk;
	}
	heap_builder_finish(builder);
	return first;
}

static void used_and_binned_are_told_by_the_next_header(void **state)
{
	static const char *const names[] = { "A0", "A1", "B", "C", "D" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct heap_builder builder;
		struct walk_result result;
		vaddr used, binned, after;

		heap_builder_init(&builder, names[i], 8);
		used = heap_builder_chunk(&builder, 0, 32, HEAP_USED);
		binned = heap_builder_chunk(&builder, 0, 4096, HEAP_BINNED);
		after = heap_builder_chunk(&builder, 0, 48, HEAP_USED);
		heap_builder_finish(&builder);
		walk_main(&builder, &result);
		assert_int_equal(result.blocks.count, 1);
		assert_int_equal(result.damage_count, 0);
		assert_chunk(&result, used, 32, CHUNK_IN_USE);
		assert_chunk(&result, binned, 4096, CHUNK_BINNED);
		assert_chunk(&result, after, 48, CHUNK_IN_USE);
		assert_chunk(&result, after + 48, (1 << 20) - 32 - 4096 - 48, CHUNK_TOP);
		forget(&result);
		heap_builder_deinit(&builder);
	}
}

static void narrow_chunks_start_behind_a_gap(void **state)
{
	struct heap_builder builder;
	struct walk_result result;
	vaddr used;

	(void)state;
	heap_builder_init(&builder, "C", 4);
	used = heap_builder_chunk(&builder, 0, 32, HEAP_USED);
	heap_builder_finish(&builder);
	walk_main(&builder, &result);
	assert_chunk(&result, used - 8, 8, CHUNK_OVERHEAD);
	assert_chunk(&result, used, 32, CHUNK_IN_USE);
	forget(&result);
	heap_builder_deinit(&builder);
}

/* An overwritten header costs that chunk; the one before and all behind stay. */
static void a_smashed_size_costs_one_chunk(void **state)
{
	static const uint64_t smashed[] = { 0, 0x4141414141414141, 17, 66, UINT64_MAX,
										8, 0x7fffffff0,        16 };

	(void)state;
	for (size_t i = 0; i < sizeof smashed / sizeof smashed[0]; i++) {
		struct heap_builder builder;
		struct walk_result result;
		vaddr first = build_row(&builder);

		heap_builder_set(&builder, first + 5 * 64 + 8, smashed[i]);
		walk_main(&builder, &result);
		assert_int_equal(result.damage_count, 1);
		assert_int_equal(result.damages.items[0].range.start, first + 5 * 64);
		for (unsigned k = 0; k < 48; k++)
			assert_chunk(&result, first + k * 64, 64, k == 5 ? CHUNK_UNWALKABLE : CHUNK_IN_USE);
		forget(&result);
		heap_builder_deinit(&builder);
	}
}

/* A size that points between headers: the chunk itself is the damaged one. */
static void a_size_that_leads_astray_costs_its_chunk(void **state)
{
	static const uint64_t smashed[] = { 0x31, 0x51, 0x71, 0x191, 0x3d1 };

	(void)state;
	for (size_t i = 0; i < sizeof smashed / sizeof smashed[0]; i++) {
		struct heap_builder builder;
		struct walk_result result;
		vaddr first = build_row(&builder);

		heap_builder_set(&builder, first + 3 * 64 + 8, smashed[i]);
		walk_main(&builder, &result);
		assert_int_equal(result.damage_count, 1);
		for (unsigned k = 0; k < 48; k++)
			assert_chunk(&result, first + k * 64, 64, k == 3 ? CHUNK_UNWALKABLE : CHUNK_IN_USE);
		forget(&result);
		heap_builder_deinit(&builder);
	}
}

/* Its PREV_INUSE bit went with the header, but the chunk before it is in a bin. */
static void a_free_chunk_stays_free_before_damage(void **state)
{
	struct heap_builder builder;
	struct walk_result result;
	vaddr binned, after;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	binned = heap_builder_chunk(&builder, 0, 160, HEAP_BINNED);
	after = heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	for (int i = 0; i < 40; i++)
		heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	heap_builder_finish(&builder);
	heap_builder_set(&builder, after + 8, 0x4141414141414141);
	walk_main(&builder, &result);
	assert_chunk(&result, binned, 160, CHUNK_BINNED);
	assert_chunk(&result, after, 64, CHUNK_UNWALKABLE);
	forget(&result);
	heap_builder_deinit(&builder);
}

static void damage_without_end_stops_at_top(void **state)
{
	struct heap_builder builder;
	struct walk_result result;
	vaddr first = build_row(&builder), top = first + 48 * 64;

	(void)state;
	for (vaddr at = first + 640; at < top; at += 8)
		heap_builder_set(&builder, at, 0x4242424242424242);
	walk_main(&builder, &result);
	assert_int_equal(result.damage_count, 1);
	assert_chunk(&result, first + 640, 38 * 64, CHUNK_UNWALKABLE);
	assert_int_equal(chunk_at(&result, top).state, CHUNK_TOP);
	forget(&result);
	heap_builder_deinit(&builder);
}

/* What is not captured is not walkable; what lies behind it is. */
static void a_hole_costs_the_hole(void **state)
{
	struct heap_builder builder;
	struct walk_result result;
	vaddr first, hole;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	first = heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	for (int i = 1; i < 1000; i++)
		heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	heap_builder_finish(&builder);
	hole = first + 8 * 4096;
	heap_builder_drop(&builder, (struct range){ hole, hole + 4096 });
	walk_main(&builder, &result);
	assert_int_equal(result.damage_count, 1);
	assert_chunk(&result, hole - 64, 64 + 4096, CHUNK_UNWALKABLE);
	assert_chunk(&result, hole - 128, 64, CHUNK_IN_USE);
	assert_chunk(&result, hole + 4096, 64, CHUNK_IN_USE);
	forget(&result);
	heap_builder_deinit(&builder);
}

/* Somebody else's sbrk: old top ends with two fenceposts, foreign bytes, then a new region. */
static void foreign_brk_memory_is_nobodys(void **state)
{
	struct heap_builder builder;
	struct walk_result result;
	vaddr first, fence, end, again;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	first = heap_builder_chunk(&builder, 0, 4096 - 32, HEAP_USED);
	fence = first + 4096 - 32;
	end = first + 4096;
	again = end + 0x330;
	builder.arenas.items[0].cursor = again;
	for (int i = 0; i < 40; i++)
		heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	heap_builder_finish(&builder);
	heap_builder_set(&builder, fence + 8, 17);
	heap_builder_set(&builder, fence + 24, 17);
	heap_builder_set(&builder, end + 0x80, 0x31);
	walk_main(&builder, &result);
	assert_int_equal(result.damage_count, 0);
	assert_int_equal(result.blocks.count, 2);
	assert_chunk(&result, first, 4096 - 32, CHUNK_IN_USE);
	assert_chunk(&result, fence, 32, CHUNK_OVERHEAD);
	assert_int_equal(chunk_at(&result, end + 8).bytes, 0);
	assert_chunk(&result, again, 64, CHUNK_IN_USE);
	forget(&result);
	heap_builder_deinit(&builder);
}

/* Old headers inside a freed stretch make chains that lead nowhere: bounded all the same. */
static void stale_headers_do_not_mislead(void **state)
{
	struct heap_builder builder;
	struct walk_result result;
	vaddr binned, after;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	binned = heap_builder_chunk(&builder, 0, 64 * 400, HEAP_BINNED);
	after = heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	for (int i = 0; i < 40; i++)
		heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	heap_builder_finish(&builder);
	for (unsigned i = 1; i < 400; i++)
		heap_builder_set(&builder, binned + i * 64 + 8, 65);
	heap_builder_set(&builder, after + 8, 0);
	walk_main(&builder, &result);
	assert_chunk(&result, binned, 64 * 400, CHUNK_BINNED);
	assert_chunk(&result, after, 64, CHUNK_UNWALKABLE);
	assert_int_equal(result.damage_count, 1);
	forget(&result);
	heap_builder_deinit(&builder);
}

/* A header in the damaged chunk's content would lead to a good place, past a chunk that is free:
 * but that one's footer does not repeat the size. */
static void footers_tell_false_headers(void **state)
{
	struct heap_builder builder;
	struct walk_result result;
	vaddr damaged, binned;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	damaged = heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	binned = heap_builder_chunk(&builder, 0, 64, HEAP_BINNED);
	for (int i = 0; i < 40; i++)
		heap_builder_chunk(&builder, 0, 64, HEAP_USED);
	heap_builder_finish(&builder);
	heap_builder_set(&builder, damaged + 8, 0);
	heap_builder_set(&builder, damaged + 32 + 8, 96 | 1);
	walk_main(&builder, &result);
	assert_chunk(&result, damaged, 64, CHUNK_UNWALKABLE);
	assert_chunk(&result, binned, 64, CHUNK_BINNED);
	forget(&result);
	heap_builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_and_binned_are_told_by_the_next_header),
		cmocka_unit_test(narrow_chunks_start_behind_a_gap),
		cmocka_unit_test(a_smashed_size_costs_one_chunk),
		cmocka_unit_test(a_size_that_leads_astray_costs_its_chunk),
		cmocka_unit_test(a_free_chunk_stays_free_before_damage),
		cmocka_unit_test(damage_without_end_stops_at_top),
		cmocka_unit_test(a_hole_costs_the_hole),
		cmocka_unit_test(foreign_brk_memory_is_nobodys),
		cmocka_unit_test(footers_tell_false_headers),
		cmocka_unit_test(stale_headers_do_not_mislead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
