#include "tests/unit/unit.h"

#include "analyze/heap/bins.h"
#include "tests/support/heap_builder.h"

#include <string.h>

enum { FREE = 5 };

struct world {
	struct heap_builder builder;
	struct heap heap;
	struct anomalies anomalies;
	vaddr free[FREE]; /* of arena 1 */
};

static void build(struct world *world, const char *class, unsigned word)
{
	*world = (struct world){ 0 };
	heap_builder_init(&world->builder, class, word);
	heap_builder_chunk(&world->builder, 0, 64, HEAP_USED);
	heap_builder_arena(&world->builder, 0x21000);
	for (size_t i = 0; i < FREE; i++) {
		world->free[i] = heap_builder_chunk(&world->builder, 1, 320 + 64 * i, HEAP_BINNED);
		heap_builder_chunk(&world->builder, 1, 64, HEAP_USED);
	}
	heap_builder_finish(&world->builder);
}

static void walk(struct world *world)
{
	struct progress progress = { 0 };

	heap_walk(&world->heap, &world->builder.image, &world->builder.regions, &world->builder.core,
			  NULL, 1, &progress, &world->anomalies);
}

static void forget(struct world *world)
{
	heap_deinit(&world->heap);
	anomalies_deinit(&world->anomalies);
	heap_builder_deinit(&world->builder);
}

/* Walks, expects the chunks' flags to say FREE and one anomaly with the text; NULL: none. */
static void expect(struct world *world, const char *text)
{
	walk(world);
	assert_int_equal(world->heap.arenas.items[1].states[CHUNK_BINNED].chunks, FREE);
	assert_int_equal(world->anomalies.rows.count, text ? 1 : 0);
	if (text && !strstr(world->anomalies.rows.items[0].what, text))
		fail_msg("%s: %s", text, world->anomalies.rows.items[0].what);
	forget(world);
}

/* As unlink_chunk leaves it before the chunk's flags follow. */
static void unlink_chunk(struct world *world, vaddr chunk)
{
	vaddr next = heap_builder_get(&world->builder, chunk + 16);
	vaddr previous = heap_builder_get(&world->builder, chunk + 24);

	heap_builder_set(&world->builder, previous + 16, next);
	heap_builder_set(&world->builder, next + 24, previous);
}

static void lists_agree_with_flags(void **state)
{
	static const struct {
		const char *class;
		unsigned word;
	} rows[] = { { "A0", 8 }, { "B", 8 }, { "C", 8 }, { "D", 8 },
				 { "A1", 4 }, { "C", 4 }, { "D", 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world world;

		build(&world, rows[i].class, rows[i].word);
		expect(&world, NULL);
	}
}

static void one_chunk_less_is_a_stop_inside_malloc(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	unlink_chunk(&world, world.free[2]);
	expect(&world, "arena 1 hold 4 chunks of 1792 bytes, by the chunks' flags it is 5 of 2240; "
				   "expected the same, unless a thread was stopped inside malloc");
}

static void a_held_mutex_is_named(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	unlink_chunk(&world, world.free[2]);
	unlink_chunk(&world, world.free[1]);
	heap_builder_set(&world.builder, world.builder.arenas.items[1].address, 1 | UINT64_C(2) << 32);
	expect(&world, "its mutex is held");
}

static void one_chunk_under_a_held_mutex_is_no_anomaly(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	unlink_chunk(&world, world.free[2]);
	heap_builder_set(&world.builder, world.builder.arenas.items[1].address, 1 | UINT64_C(2) << 32);
	expect(&world, NULL);
}

static void more_than_one_is_damage(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	unlink_chunk(&world, world.free[2]);
	unlink_chunk(&world, world.free[1]);
	expect(&world, "hold 3 chunks of 1408 bytes, by the chunks' flags it is 5 of 2240; expected "
				   "the same: links or size words are damaged");
}

static void a_live_capture_is_worded_so(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	unlink_chunk(&world, world.free[2]);
	unlink_chunk(&world, world.free[1]);
	world.builder.core.has_facts = true;
	world.builder.core.facts.consistency = "live";
	expect(&world, "the process ran while it was captured");
}

static void a_list_that_leads_astray_is_shown(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	heap_builder_set(&world.builder, world.free[3] + 16, 0x123450);
	walk(&world);
	assert_int_equal(world.anomalies.rows.count, 1);
	assert_int_equal(world.anomalies.rows.items[0].address, 0x123450);
	assert_non_null(strstr(world.anomalies.rows.items[0].what, "a list leads here"));
	forget(&world);
}

/* What it leads to can be read, but is larger than the arena: text, for one. */
static void a_size_beyond_the_arena_is_no_chunk(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	heap_builder_area(&world.builder, (struct range){ 0x200000, 0x201000 }, REGION_ANONYMOUS);
	heap_builder_set(&world.builder, 0x200108, 0x2e6d6f64);
	heap_builder_set(&world.builder, world.free[3] + 16, 0x200100);
	expect(&world, "a list leads here");
}

static void a_list_that_loops_ends(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	heap_builder_set(&world.builder, world.free[1] + 16, world.free[3]);
	expect(&world, "hold at least 8 chunks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_agree_with_flags),
		cmocka_unit_test(one_chunk_less_is_a_stop_inside_malloc),
		cmocka_unit_test(a_held_mutex_is_named),
		cmocka_unit_test(one_chunk_under_a_held_mutex_is_no_anomaly),
		cmocka_unit_test(more_than_one_is_damage),
		cmocka_unit_test(a_live_capture_is_worded_so),
		cmocka_unit_test(a_list_that_leads_astray_is_shown),
		cmocka_unit_test(a_size_beyond_the_arena_is_no_chunk),
		cmocka_unit_test(a_list_that_loops_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
