#include "tests/unit/unit.h"

#include "analyze/attribute/pins.h"
#include "tests/support/attribute_builder.h"

#include <string.h>

/* Brk memory and three heaps of one secondary arena, whose malloc_state lies in the first of them.
 */
enum { PAGE = 4096, HEAP = 64 << 20, BIG = 1 << 20 };
#define BRK UINT64_C(0x10000)
#define FIRST UINT64_C(0x7f0000000000)

static const char *const rule_ids[] = { "a.whole", "b.other" };

struct world {
	struct attribute_builder builder;
	struct findings findings;
	struct report_heap out;
	struct pool pool;
};

static void begin(struct world *world)
{
	*world = (struct world){ 0 };
	attribute_builder_init(&world->builder);
	for (size_t i = 0; i < sizeof rule_ids / sizeof *rule_ids; i++)
		*vec_add(&world->findings.rules) = (struct finding_rule){ .id = rule_ids[i] };
}

/* Appends a heap of these chunks, ended by one of 0 bytes, to the arena. */
static struct heap_block *add_heap(struct world *world, int arena, vaddr start,
								   const struct chunk *chunks)
{
	size_t count = 0;
	struct heap_block *block;

	while (chunks[count].bytes)
		count++;
	attribute_builder_arena(&world->builder, start, chunks, count);
	if ((int)world->builder.heap.arenas.count - 1 != arena)
		world->builder.heap.arenas.count--;
	block = &world->builder.heap.blocks.items[world->builder.heap.blocks.count - 1];
	block->arena = arena;
	world->builder.heap.chunks.blocks.items[world->builder.heap.chunks.blocks.count - 1].arena =
		arena;
	return block;
}

static void add_hit(struct world *world, vaddr start, uint32_t rule)
{
	*vec_add(&world->findings.hits) =
		(struct hit){ .start = start, .bytes = 16, .rule = rule, .live = true };
}

static void run(struct world *world)
{
	pins_fill(&world->out, &world->builder.heap, &world->findings, NULL, 2, &world->pool);
}

static void end(struct world *world)
{
	for (size_t i = 0; i < world->out.pins.count; i++) {
		vec_deinit(&world->out.pins.items[i].groups);
		vec_deinit(&world->out.pins.items[i].last);
	}
	vec_deinit(&world->out.pins);
	vec_deinit(&world->findings.rules);
	vec_deinit(&world->findings.hits);
	pool_deinit(&world->pool);
	attribute_builder_deinit(&world->builder);
}

/* brk memory goes from its end: what lies below the longest stretch keeps nothing. */
static void brk_is_kept_by_what_lies_above_the_longest_stretch(void **state)
{
	const struct chunk chunks[] = {
		{ .bytes = 64, .state = CHUNK_IN_USE }, { .bytes = 256, .state = CHUNK_BINNED },
		{ .bytes = 64, .state = CHUNK_IN_USE }, { .bytes = BIG, .state = CHUNK_BINNED },
		{ .bytes = 96, .state = CHUNK_IN_USE }, { .bytes = PAGE, .state = CHUNK_FASTBIN },
		{ .bytes = 32, .state = CHUNK_TCACHE }, { .bytes = 640, .state = CHUNK_OVERHEAD },
		{ .bytes = PAGE, .state = CHUNK_TOP },  { 0 },
	};
	const struct report_pin *pin;
	struct world world;

	(void)state;
	begin(&world);
	add_heap(&world, 0, BRK, chunks)->shrinks = true;
	add_hit(&world, BRK + 64 + 256 + 64 + BIG + 20, 1);
	run(&world);
	assert_int_equal(world.out.pins.count, 1);
	pin = &world.out.pins.items[0];
	assert_string_equal(pin->kind, "brk");
	assert_int_equal(pin->held_bytes, BIG + PAGE);
	assert_int_equal(pin->live_chunks, 1);
	assert_int_equal(pin->live_bytes, 96);
	assert_int_equal(pin->cached_chunks, 2);
	assert_int_equal(pin->cached_bytes, 32 + 640);
	assert_int_equal(pin->last.count, 3);
	assert_string_equal(pin->last.items[0].state, "overhead");
	assert_int_equal(pin->last.items[2].address, BRK + 64 + 256 + 64 + BIG + 16);
	assert_string_equal(pin->last.items[2].rule, "b.other");
	assert_string_equal(pin->groups.items[1].rule, "b.other");
	assert_int_equal(pin->groups.items[0].size, 640);
	end(&world);
}

/* Where the break is not malloc's, nothing shrinks, whatever is freed. */
static void a_main_arena_that_cannot_shrink_is_not_listed(void **state)
{
	const struct chunk chunks[] = { { .bytes = BIG, .state = CHUNK_BINNED },
									{ .bytes = 96, .state = CHUNK_IN_USE },
									{ .bytes = PAGE, .state = CHUNK_TOP },
									{ 0 } };
	struct world world;

	(void)state;
	begin(&world);
	add_heap(&world, 0, BRK, chunks);
	run(&world);
	assert_int_equal(world.out.pins.count, 0);
	end(&world);
}

static const struct chunk little[] = { { .bytes = 64, .state = CHUNK_IN_USE },
									   { .bytes = PAGE, .state = CHUNK_TOP },
									   { 0 } };

/* A later heap goes as a whole: every chunk in use keeps all that is free. Its fenceposts keep
 * nothing, and its top goes with it anyway. */
static void a_later_heap_goes_as_a_whole(void **state)
{
	const struct chunk first[] = { { .bytes = 2256, .state = CHUNK_OVERHEAD },
								   { .bytes = 96, .state = CHUNK_IN_USE },
								   { .bytes = 32, .state = CHUNK_OVERHEAD },
								   { 0 } };
	const struct chunk older[] = {
		{ .bytes = 48, .state = CHUNK_OVERHEAD },
		{ .bytes = 96, .state = CHUNK_IN_USE },
		{ .bytes = BIG, .state = CHUNK_BINNED },
		{ .bytes = 96, .state = CHUNK_IN_USE },
		{ .bytes = BIG, .state = CHUNK_BINNED },
		{ .bytes = 32, .state = CHUNK_OVERHEAD },
		{ 0 },
	};
	const struct chunk newest[] = {
		{ .bytes = 48, .state = CHUNK_OVERHEAD },
		{ .bytes = BIG, .state = CHUNK_BINNED },
		{ .bytes = 96, .state = CHUNK_IN_USE },
		{ .bytes = 3 * BIG, .state = CHUNK_TOP },
		{ 0 },
	};
	struct world world;

	(void)state;
	begin(&world);
	add_heap(&world, 0, BRK, little)->shrinks = true;
	add_heap(&world, 1, FIRST, first);
	world.builder.heap.arenas.items[1].address = FIRST + 48;
	add_heap(&world, 1, FIRST + HEAP, older);
	add_heap(&world, 1, FIRST + 2 * (vaddr)HEAP, newest)->has_top = true;
	run(&world);
	assert_int_equal(world.out.pins.count, 2);
	assert_string_equal(world.out.pins.items[0].kind, "older");
	assert_int_equal(world.out.pins.items[0].held_bytes, 2 * BIG);
	assert_int_equal(world.out.pins.items[0].live_chunks, 2);
	assert_int_equal(world.out.pins.items[0].cached_chunks, 0);
	assert_string_equal(world.out.pins.items[1].kind, "newest");
	assert_int_equal(world.out.pins.items[1].held_bytes, BIG);
	end(&world);
}

/* Many chunks in use are no few that keep a heap; and of damage nobody knows what it is. */
static void full_and_damaged_heaps_are_not_listed(void **state)
{
	const struct chunk full[] = { { .bytes = BIG, .state = CHUNK_BINNED },
								  { .bytes = BIG / 2, .state = CHUNK_IN_USE },
								  { .bytes = PAGE, .state = CHUNK_TOP },
								  { 0 } };
	const struct chunk damaged[] = {
		{ .bytes = 48, .state = CHUNK_OVERHEAD }, { .bytes = BIG, .state = CHUNK_BINNED },
		{ .bytes = 96, .state = CHUNK_IN_USE },   { .bytes = 96, .state = CHUNK_UNWALKABLE },
		{ .bytes = PAGE, .state = CHUNK_TOP },    { 0 }
	};
	struct world world;

	(void)state;
	begin(&world);
	add_heap(&world, 0, BRK, full)->shrinks = true;
	add_heap(&world, 1, FIRST, damaged)->has_top = true;
	run(&world);
	assert_int_equal(world.out.pins.count, 0);
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brk_is_kept_by_what_lies_above_the_longest_stretch),
		cmocka_unit_test(a_main_arena_that_cannot_shrink_is_not_listed),
		cmocka_unit_test(a_later_heap_goes_as_a_whole),
		cmocka_unit_test(full_and_damaged_heaps_are_not_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
