#include "tests/unit/unit.h"

#include "analyze/heap/lanes.h"
#include "tests/support/heap_builder.h"

#include <stdlib.h>
#include <string.h>

enum { HEAP_BYTES = 24 << 20, PARTS = 4 << 20, SEEDS = 40 };

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
static uint64_t random_below(uint64_t *random, uint64_t limit)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (*random * UINT64_C(0x2545F4914F6CDD1D) >> 16) % limit;
}

/* A secondary arena with one heap that is long enough to be cut. */
struct scene {
	struct heap_builder builder;
	struct layout layout;
	arena_blocks blocks;
	VEC(vaddr) chunks;
};

static void scene_init(struct scene *scene)
{
	*scene = (struct scene){ 0 };
	heap_builder_init(&scene->builder, "C", 8);
	heap_builder_arena(&scene->builder, HEAP_BYTES);
	heap_builder_layout(&scene->builder, &scene->layout);
}

static void scene_add(struct scene *scene, uint64_t bytes, enum heap_kind kind)
{
	*vec_add(&scene->chunks) = heap_builder_chunk(&scene->builder, 1, bytes, kind);
}

static void scene_finish(struct scene *scene)
{
	const struct heap_builder_arena *arena = &scene->builder.arenas.items[1];
	struct arena_block *block = vec_add(&scene->blocks);

	*block = (struct arena_block){ .range = { arena->heap, arena->heap + HEAP_BYTES },
								   .first = scene->chunks.items[0],
								   .last = arena->cursor,
								   .has_top = true,
								   .arena = 1 };
	heap_builder_finish(&scene->builder);
}

static void scene_deinit(struct scene *scene)
{
	heap_builder_deinit(&scene->builder);
	vec_deinit(&scene->blocks);
	vec_deinit(&scene->chunks);
}

/* Writes a row of headers of 48 bytes into a chunk, as a freed stretch or a saved heap has them:
 * they lead to each other, not to chunks. */
static void write_false_chain(struct scene *scene, vaddr chunk, uint64_t bytes)
{
	for (uint64_t at = 48; at + 48 < bytes; at += 48)
		heap_builder_set(&scene->builder, chunk + at + 8, 48 | 5);
}

/* Chunks of all sizes until the heap is nearly full. */
static void fill(struct scene *scene, uint64_t *random)
{
	enum heap_kind before = HEAP_BINNED;
	vaddr end = scene->builder.arenas.items[1].cursor + HEAP_BYTES - (64 << 10);

	for (;;) {
		uint64_t dice = random_below(random, 1000);
		uint64_t bytes = dice < 2    ? random_below(random, 5 << 20)
						 : dice < 50 ? random_below(random, 200 << 10)
									 : random_below(random, 4 << 10);
		bool free = before == HEAP_USED && random_below(random, 3) == 0;
		vaddr chunk;

		bytes = (bytes + 32 + 15) & ~UINT64_C(15);
		if (end - scene->builder.arenas.items[1].cursor <= bytes)
			return;
		before = free ? HEAP_BINNED : HEAP_USED;
		scene_add(scene, bytes, before);
		chunk = scene->chunks.items[scene->chunks.count - 1];
		if (bytes > 4096 && random_below(random, 2))
			write_false_chain(scene, chunk, bytes);
	}
}

static struct walk_result walk_at_once(const struct scene *scene)
{
	const struct arena_block *block = &scene->blocks.items[0];
	struct walk_result result = { 0 };
	struct walk walk;

	walk_begin(&walk, &scene->builder.image, &scene->layout, block,
			   (struct range){ block->first, block->last }, &result);
	while (walk_step(&walk))
		;
	walk_end(&walk);
	return result;
}

static struct walk_result walk_in_lanes(const struct scene *scene, unsigned workers)
{
	struct walk_result result = { 0 };
	struct progress silent = { 0 };

	lanes_walk(&scene->builder.image, &scene->layout, &scene->blocks, workers, &silent, &result);
	return result;
}

static void forget(struct walk_result *result)
{
	for (size_t i = 0; i < result->blocks.count; i++)
		chunk_block_deinit(&result->blocks.items[i]);
	vec_deinit(&result->blocks);
	vec_deinit(&result->damages);
}

/* The same chunks and damages, and every chunk is found by its last byte. */
static void assert_same(const struct walk_result *a, const struct walk_result *b)
{
	assert_int_equal(a->blocks.count, 1);
	assert_int_equal(b->blocks.count, 1);
	assert_int_equal(a->blocks.items[0].count, b->blocks.items[0].count);
	for (size_t i = 0; i < a->blocks.items[0].count; i++) {
		struct chunk left = chunk_block_get(&a->blocks.items[0], i);
		struct chunk right = chunk_block_get(&b->blocks.items[0], i);

		assert_int_equal(left.address, right.address);
		assert_int_equal(left.bytes, right.bytes);
		assert_int_equal(left.state, right.state);
		assert_int_equal(chunk_block_find(&b->blocks.items[0], right.address + right.bytes - 1), i);
	}
	assert_int_equal(a->damage_count, b->damage_count);
	assert_int_equal(a->damages.count, b->damages.count);
	for (size_t i = 0; i < a->damages.count; i++)
		assert_int_equal(a->damages.items[i].range.start, b->damages.items[i].range.start);
}

static void parts_make_what_one_walk_makes(void **state)
{
	size_t damaged = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15);
		struct walk_result whole, one, two;
		struct scene scene;

		scene_init(&scene);
		fill(&scene, &random);
		scene_finish(&scene);
		for (uint64_t i = seed % 4; i; i--)
			heap_builder_set(&scene.builder,
							 scene.chunks.items[random_below(&random, scene.chunks.count)] + 8,
							 random_below(&random, 1 << 20));
		whole = walk_at_once(&scene);
		one = walk_in_lanes(&scene, 1);
		two = walk_in_lanes(&scene, 3);
		assert_true(one.blocks.items[0].index != NULL);
		assert_same(&whole, &one);
		assert_same(&whole, &two);
		damaged += whole.damage_count > 0;
		forget(&whole);
		forget(&one);
		forget(&two);
		scene_deinit(&scene);
	}
	assert_true(damaged > SEEDS / 4);
}

/* A chunk that holds a heap of its own covers two cuts: parts that started inside are dropped. */
static void a_start_inside_a_chunk_is_found_out(void **state)
{
	struct walk_result whole, lanes;
	struct scene scene;

	(void)state;
	scene_init(&scene);
	scene_add(&scene, 64, HEAP_USED);
	scene_add(&scene, 3 * PARTS + PARTS / 2, HEAP_USED);
	write_false_chain(&scene, scene.chunks.items[1], 3 * PARTS + PARTS / 2);
	for (int i = 0; i < 50000; i++)
		scene_add(&scene, 96, i % 2 ? HEAP_USED : HEAP_BINNED);
	scene_finish(&scene);
	whole = walk_at_once(&scene);
	lanes = walk_in_lanes(&scene, 2);
	assert_int_equal(whole.damage_count, 0);
	assert_same(&whole, &lanes);
	forget(&whole);
	forget(&lanes);
	scene_deinit(&scene);
}

/* A page with the header of a chunk. */
static void add_header(struct heap_builder *builder, vaddr chunk, uint64_t size)
{
	vaddr page = chunk & ~(vaddr)0xfff;

	if (!image_has(&builder->image, chunk, 16))
		heap_builder_area(builder, (struct range){ page, page + 0x1000 }, REGION_BRK);
	heap_builder_set(builder, chunk + 8, size);
}

/* Offsets in a block of chunks end at 4 GiB; what lies between the headers need not be there. */
static void chunks_may_be_longer_than_a_block_of_them(void **state)
{
	static const uint64_t sizes[] = { UINT64_C(5) << 30, 64, UINT64_C(6) << 30, 64, 0x800 };
	enum { COUNT = sizeof sizes / sizeof sizes[0] };
	static const enum chunk_state states[COUNT] = { CHUNK_BINNED, CHUNK_IN_USE, CHUNK_IN_USE,
													CHUNK_IN_USE, CHUNK_TOP };
	vaddr at[COUNT + 1] = { 0x7f0000000000 };

	(void)state;
	for (unsigned workers = 1; workers <= 2; workers++) {
		struct scene scene = { 0 };
		struct walk_result result;
		struct chunk_table table = { 0 };

		heap_builder_init(&scene.builder, "C", 8);
		heap_builder_layout(&scene.builder, &scene.layout);
		for (size_t i = 0; i < COUNT; i++) {
			add_header(&scene.builder, at[i], sizes[i] | (i != 1));
			at[i + 1] = at[i] + sizes[i];
		}
		heap_builder_set(&scene.builder, at[1], sizes[0]); /* the free one's footer */
		*vec_add(&scene.blocks) = (struct arena_block){ .range = { at[0], at[COUNT] },
														.first = at[0],
														.last = at[COUNT - 1],
														.has_top = true,
														.main = true };
		result = walk_in_lanes(&scene, workers);
		assert_int_equal(result.damage_count, 0);
		for (size_t i = 0; i < result.blocks.count; i++)
			*chunk_table_add(&table, result.blocks.items[i].range, 0) = result.blocks.items[i];
		for (size_t i = 0; i < COUNT; i++)
			for (int last = 0; last <= 1; last++) {
				struct chunk chunk;

				assert_true(chunk_table_find(&table, last ? at[i + 1] - 1 : at[i], &chunk));
				assert_int_equal(chunk.address, at[i]);
				assert_int_equal(chunk.bytes, sizes[i]);
				assert_int_equal(chunk.state, states[i]);
			}
		vec_deinit(&table.blocks);
		forget(&result);
		vec_deinit(&scene.blocks);
		heap_builder_deinit(&scene.builder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_make_what_one_walk_makes),
		cmocka_unit_test(a_start_inside_a_chunk_is_found_out),
		cmocka_unit_test(chunks_may_be_longer_than_a_block_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
