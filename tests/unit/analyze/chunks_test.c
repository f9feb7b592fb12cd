#include "tests/unit/unit.h"

#include "analyze/memory/chunks.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Chunks of these sizes from the start on; states go round. */
static void add_block(struct chunk_table *table, vaddr start, int arena, const uint64_t *sizes,
					  size_t count)
{
	uint64_t offset = 0;
	struct chunk_block *block;
	uint32_t *packed = mem_zeroed(count, sizeof *packed);

	for (size_t i = 0; i < count; i++) {
		packed[i] = (uint32_t)(offset / 8 << 3 | i % CHUNK_STATES);
		offset += sizes[i];
	}
	block = chunk_table_add(table, (struct range){ start, start + offset }, arena);
	block->packed = packed;
	block->count = count;
}

static void chunks_are_found_by_any_of_their_bytes(void **state)
{
	static const uint64_t low[] = { 32, 48, 0x20000, 24 }, high[] = { 64, 80 };
	struct chunk_table table = { .header_bytes = 16 };
	struct chunk chunk;

	(void)state;
	add_block(&table, 0x900000, 1, high, 2);
	add_block(&table, 0x10010, 0, low, 4);
	chunk_table_seal(&table);
	assert_true(table.blocks.items[0].range.start == 0x10010);

	assert_true(chunk_table_find(&table, 0x10010, &chunk));
	assert_true(chunk.address == 0x10010 && chunk.bytes == 32 && chunk.state == CHUNK_IN_USE);
	assert_true(chunk_table_find(&table, 0x10010 + 32 + 47, &chunk));
	assert_true(chunk.address == 0x10030 && chunk.bytes == 48 && chunk.state == CHUNK_MMAPPED);
	assert_true(chunk_table_find(&table, 0x10010 + 80 + 0x20000 + 23, &chunk));
	assert_true(chunk.bytes == 24 && chunk.state == CHUNK_FASTBIN && chunk.arena == 0);
	assert_true(chunk_table_find(&table, 0x900000 + 64, &chunk));
	assert_true(chunk.address == 0x900040 && chunk.bytes == 80 && chunk.arena == 1);

	assert_false(chunk_table_find(&table, 0x1000f, &chunk));
	assert_false(chunk_table_find(&table, 0x10010 + 80 + 0x20000 + 24, &chunk));
	assert_false(chunk_table_find(&table, 0x900000 + 144, &chunk));
	chunk_table_deinit(&table);
}

static void the_next_block_is_given_where_none_holds_the_address(void **state)
{
	static const uint64_t sizes[] = { 32 };
	struct chunk_table table = { 0 };
	struct chunk chunk;

	(void)state;
	assert_int_equal(chunk_table_find_block(&table, 1), 0);
	assert_false(chunk_table_find(&table, 1, &chunk));
	add_block(&table, 0x1000, 0, sizes, 1);
	add_block(&table, 0x2000, 0, sizes, 1);
	chunk_table_seal(&table);
	assert_int_equal(chunk_table_find_block(&table, 0), 0);
	assert_int_equal(chunk_table_find_block(&table, 0x1000), 0);
	assert_int_equal(chunk_table_find_block(&table, 0x1020), 1);
	assert_int_equal(chunk_table_find_block(&table, 0x2020), 2);
	chunk_table_deinit(&table);
}

/* The largest offset there is must survive the packing. */
static void a_block_may_be_four_gigabytes(void **state)
{
	static const uint64_t sizes[] = { CHUNK_BLOCK_MAX_BYTES - 64, 32 };
	struct chunk_table table = { 0 };
	struct chunk chunk;

	(void)state;
	add_block(&table, 0x100000000, 0, sizes, 2);
	chunk_table_seal(&table);
	assert_true(chunk_table_find(&table, 0x200000000 - 33, &chunk));
	assert_true(chunk.address == 0x200000000 - 64 && chunk.bytes == 32);
	assert_int_equal(chunk.state, CHUNK_MMAPPED);
	chunk_table_deinit(&table);
}

static void state_names_go_both_ways(void **state)
{
	enum chunk_state parsed;

	(void)state;
	for (unsigned i = 0; i < CHUNK_STATES; i++) {
		assert_true(chunk_state_parse(chunk_state_name((enum chunk_state)i), &parsed));
		assert_int_equal(parsed, i);
	}
	assert_false(chunk_state_parse("live", &parsed));
	assert_false(chunk_state_parse("", &parsed));
}

/* Every byte leads to the chunk that holds it, by the index as without one. */
static void assert_found_by_index(struct chunk_block *block)
{
	chunk_block_index(block);
	assert_non_null(block->index);
	for (vaddr at = block->range.start; at < block->range.end; at += 8) {
		struct chunk chunk = chunk_block_get(block, chunk_block_find(block, at));

		assert_true(chunk.address <= at && at < chunk.address + chunk.bytes);
	}
}

static void an_index_leads_to_the_chunk(void **state)
{
	uint64_t sizes[300];
	struct chunk_table table = { 0 };

	(void)state;
	for (size_t i = 0; i < 300; i++)
		sizes[i] = i % 97 == 5 ? 70000 : 32 + i * 7 % 50 * 16;
	add_block(&table, 0x10000, 0, sizes, 300);
	assert_found_by_index(&table.blocks.items[0]);
	chunk_table_deinit(&table);
}

static void blocks_are_joined_and_cut(void **state)
{
	static const uint64_t sizes[] = { 32, 48, 4096, 24, 64, 32, 48, 4096, 24, 64 };
	uint64_t half = 32 + 48 + 4096 + 24 + 64;
	struct chunk_table table = { 0 };
	struct chunk_block *block;
	struct chunk chunk;

	(void)state;
	add_block(&table, 0x10000, 0, sizes, 5);
	add_block(&table, 0x10000 + half, 0, sizes, 5);
	add_block(&table, 0x10000 + 2 * half, 1, sizes, 5);
	add_block(&table, 0x10000 + 4 * half, 0, sizes, 5);
	block = &table.blocks.items[0];
	assert_true(chunk_block_join(block, &table.blocks.items[1]));
	assert_int_equal(block->count, 10);
	assert_int_equal(table.blocks.items[1].count, 0);
	assert_false(chunk_block_join(block, &table.blocks.items[2])); /* another arena's */
	assert_false(chunk_block_join(block, &table.blocks.items[3])); /* not a neighbour */
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(chunk_block_get(block, i).bytes, sizes[i]);
	assert_int_equal(chunk_block_get(block, 7).state, 2);

	chunk_block_drop(block, 7);
	chunk = chunk_block_get(block, 0);
	assert_int_equal(block->count, 3);
	assert_int_equal(chunk.address, 0x10000 + half + 80);
	assert_int_equal(chunk.bytes, 4096);
	assert_int_equal(chunk_block_get(block, 2).bytes, 64);
	chunk_block_drop(block, 0);
	assert_int_equal(block->count, 3);
	chunk_table_deinit(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_found_by_any_of_their_bytes),
		cmocka_unit_test(the_next_block_is_given_where_none_holds_the_address),
		cmocka_unit_test(a_block_may_be_four_gigabytes),
		cmocka_unit_test(state_names_go_both_ways),
		cmocka_unit_test(an_index_leads_to_the_chunk),
		cmocka_unit_test(blocks_are_joined_and_cut),
	};

	return cmocka_run_group_tests_name("chunks", tests, NULL, NULL);
}
