#include "tests/unit/unit.h"

#include "analyze/heap/heap.h"
#include "analyze/heap/walk_damage.h"
#include "tests/support/heap_builder.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 64, COUNT = 200 };

struct world {
	struct heap_builder builder;
	vaddr first; /* of COUNT used chunks of CHUNK bytes, in a heap that is not its arena's newest */
	struct heap heap;
	struct anomalies anomalies;
};

static void build(struct world *world)
{
	struct heap_builder *builder = &world->builder;
	size_t arena;

	*world = (struct world){ 0 };
	heap_builder_init(builder, "C", 8);
	heap_builder_chunk(builder, 0, 48, HEAP_USED);
	arena = heap_builder_arena(builder, 0x21000);
	for (int i = 0; i < COUNT; i++) {
		vaddr chunk = heap_builder_chunk(builder, arena, CHUNK, HEAP_USED);

		world->first = world->first ? world->first : chunk;
	}
	heap_builder_heap(builder, arena, 0x21000);
	heap_builder_chunk(builder, arena, 48, HEAP_USED);
	heap_builder_finish(builder);
}

static void smash(struct world *world, unsigned chunk, uint64_t header)
{
	heap_builder_set(&world->builder, world->first + chunk * CHUNK + 8, header);
}

static void walk(struct world *world)
{
	struct progress silent = { 0 };

	heap_walk(&world->heap, &world->builder.image, &world->builder.regions, &world->builder.core,
			  NULL, 1, &silent, &world->anomalies);
	assert_true(world->heap.found);
}

static void forget(struct world *world)
{
	heap_deinit(&world->heap);
	anomalies_deinit(&world->anomalies);
	heap_builder_deinit(&world->builder);
}

static uint64_t unwalkable(const struct world *world)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < world->heap.arenas.count; i++)
		bytes += world->heap.arenas.items[i].states[CHUNK_UNWALKABLE].bytes;
	return bytes;
}

/* Behind the last chunks of a heap stand two fenceposts, and no room for a long chain. */
static void the_end_of_a_heap_is_certain(void **state)
{
	(void)state;
	for (unsigned from_end = 1; from_end <= 40; from_end++) {
		struct world world;

		build(&world);
		smash(&world, COUNT - from_end, 0x4141414141414141);
		walk(&world);
		assert_int_equal(unwalkable(&world), CHUNK);
		forget(&world);
	}
}

/* Each costs its own chunk, though less than a long chain lies between them. */
static void damages_close_together_cost_no_more(void **state)
{
	(void)state;
	for (unsigned gap = 10; gap <= 40; gap += 6) {
		struct world world;

		build(&world);
		for (unsigned i = 0; i < 4; i++)
			smash(&world, 5 + i * gap, 0);
		walk(&world);
		assert_int_equal(unwalkable(&world), 4 * CHUNK);
		forget(&world);
	}
}

static bool is_told(const struct world *world, vaddr address, const char *what)
{
	for (size_t i = 0; i < world->anomalies.rows.count; i++)
		if (world->anomalies.rows.items[i].address == address &&
			strstr(world->anomalies.rows.items[i].what, what))
			return true;
	return false;
}

static void an_anomaly_says_what_was_expected(void **state)
{
	static const struct {
		uint64_t header;
		const char *what;
	} rows[] = {
		{ 0x4141414141414141,
		  "the size word 0x4141414141414141 is no chunk's here: expected 32 to " },
		{ 0, "the size word 0x0 is no chunk's here" },
		{ 0x47, "the size word 0x47 has the flag mmapped, which no chunk here has" },
		{ 0x35, "the size word 0x35 leads to 0x" },
		{ 0x4141414141414141, ": 64 bytes cannot be walked" },
		{ 0x4141414141414141, "in steps of 16; the next certain chunk is at 0x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world world;

		build(&world);
		smash(&world, 20, rows[i].header);
		walk(&world);
		assert_true(is_told(&world, world.first + 20 * CHUNK, rows[i].what));
		forget(&world);
	}
}

static void what_was_not_captured_is_told(void **state)
{
	struct world world;
	vaddr page, before;

	(void)state;
	build(&world);
	page = (world.first + 0x1000) & ~(vaddr)0xfff;
	before = page - CHUNK + (world.first - page) % CHUNK; /* the chunk that ends in the page */
	heap_builder_drop(&world.builder, (struct range){ page, page + 0x1000 });
	walk(&world);
	assert_true(is_told(&world, before, "the chunk here ends where nothing was captured"));
	assert_in_range(unwalkable(&world), 0x1000, 0x1000 + 2 * CHUNK);
	forget(&world);
}

/* system_mem, top and heap_info that lead beyond what the process has. */
static void no_block_is_beyond_memory(void **state)
{
	(void)state;
	for (unsigned field = 0; field < 3; field++) {
		struct world world;
		const struct heap_builder_arena *arena;
		vaddr at[3];

		build(&world);
		arena = &world.builder.arenas.items[1];
		at[0] = arena->cursor + 8;                        /* top's size */
		at[1] = arena->heap + 16;                         /* heap_info.size */
		at[2] = world.builder.arenas.items[0].cursor + 8; /* main arena's top's size */
		heap_builder_set(&world.builder, at[field],
						 heap_builder_get(&world.builder, at[field]) + 0x10000);
		heap_builder_set(&world.builder, arena->heap + 24, 0x100000);
		walk(&world);
		for (size_t i = 0; i < world.heap.blocks.count; i++) {
			struct range range = world.heap.blocks.items[i].range;

			assert_int_equal(regions_mapped_until(&world.builder.regions, range.start, range.end),
							 range.end);
		}
		forget(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_heap_is_certain),
		cmocka_unit_test(damages_close_together_cost_no_more),
		cmocka_unit_test(an_anomaly_says_what_was_expected),
		cmocka_unit_test(what_was_not_captured_is_told),
		cmocka_unit_test(no_block_is_beyond_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
