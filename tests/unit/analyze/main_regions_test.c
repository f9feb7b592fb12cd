#include "tests/unit/unit.h"

#include "analyze/heap/main_regions.h"
#include "tests/support/heap_builder.h"

/* Regions of a main arena that got its memory where mmap put it: the break could not be moved. */

enum { PAGE = 0x1000, REGION_BYTES = 16 * PAGE, TOP_BYTES = 0x800, IN_USE = 1, FENCE = 0x11 };

static const vaddr BASE = 0x7f0000000000;

struct scene {
	struct heap_builder builder;
	struct layout layout;
	struct arena arena;
	arena_blocks blocks;
	struct anomalies anomalies;
};

static void scene_init(struct scene *scene)
{
	*scene = (struct scene){ .arena = { .address = 0x5000, .main = true } };
	heap_builder_init(&scene->builder, "C", 8);
	heap_builder_layout(&scene->builder, &scene->layout);
	heap_builder_area(&scene->builder, (struct range){ BASE, BASE + 4 * REGION_BYTES },
					  REGION_ANONYMOUS);
}

static void scene_deinit(struct scene *scene)
{
	vec_deinit(&scene->blocks);
	anomalies_deinit(&scene->anomalies);
	heap_builder_deinit(&scene->builder);
}

/* Tiles the range with chunks of the size, and ends it with fenceposts or top. */
static void add_region(struct scene *scene, struct range range, uint64_t chunk_bytes, bool has_top)
{
	struct heap_builder *builder = &scene->builder;
	vaddr last = range.end - (has_top ? TOP_BYTES : 0x20), chunk = range.start;

	for (; last - chunk > 2 * chunk_bytes; chunk += chunk_bytes)
		heap_builder_set(builder, chunk + 8, chunk_bytes | IN_USE);
	heap_builder_set(builder, chunk + 8, (last - chunk) | IN_USE);
	heap_builder_set(builder, last + 8, has_top ? TOP_BYTES | IN_USE : FENCE);
	if (!has_top)
		heap_builder_set(builder, last + 0x18, FENCE);
	scene->arena.system_bytes += range_bytes(range);
	if (has_top) {
		scene->arena.top = last;
		scene->arena.top_bytes = TOP_BYTES;
	}
}

/* Three of 16 pages, the last one with top. */
static void add_regions(struct scene *scene, uint64_t chunk_bytes)
{
	for (vaddr i = 0; i < 3; i++)
		add_region(scene, (struct range){ BASE + i * REGION_BYTES, BASE + (i + 1) * REGION_BYTES },
				   chunk_bytes, i == 2);
}

static void find(struct scene *scene)
{
	main_regions_find(&scene->builder.image, &scene->builder.regions, &scene->layout, &scene->arena,
					  0, &scene->blocks, &scene->anomalies);
}

/* Whether a block starts and ends there. */
static bool has(const struct scene *scene, vaddr start, vaddr end)
{
	for (size_t i = 0; i < scene->blocks.count; i++)
		if (scene->blocks.items[i].range.start == start && scene->blocks.items[i].range.end == end)
			return scene->blocks.items[i].first == start;
	return false;
}

static void assert_all_found(const struct scene *scene)
{
	size_t tops = 0;

	assert_int_equal(scene->anomalies.rows.count, 0);
	assert_int_equal(scene->blocks.count, 3);
	for (vaddr i = 0; i < 3; i++) {
		const struct arena_block *block = &scene->blocks.items[i];

		assert_true(has(scene, BASE + i * REGION_BYTES, BASE + (i + 1) * REGION_BYTES));
		tops += block->has_top && block->last == scene->arena.top;
	}
	assert_int_equal(tops, 1);
}

static void sound_regions_are_found(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	add_regions(&scene, 0x190);
	find(&scene);
	assert_all_found(&scene);
	scene_deinit(&scene);
}

/* Chunks of a page make the rest behind the damage look like a region of its own. */
static void a_damaged_header_costs_no_region(void **state)
{
	static const uint64_t sizes[] = { 0x190, PAGE };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (vaddr region = 0; region < 3; region++) {
			struct scene scene;

			scene_init(&scene);
			add_regions(&scene, sizes[i]);
			heap_builder_set(&scene.builder, BASE + region * REGION_BYTES + 5 * sizes[i] + 8,
							 0x4141414141414141);
			find(&scene);
			assert_all_found(&scene);
			scene_deinit(&scene);
		}
}

/* brk memory of a static program: what the loader took of it stands before malloc's. */
static void a_region_may_start_within_a_page(void **state)
{
	static const uint64_t sizes[] = { 0x190, 0x2e0, 0x8f0 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		vaddr start = BASE + 0xd20, middle = BASE + REGION_BYTES, end = middle + REGION_BYTES;
		struct scene scene;

		scene_init(&scene);
		add_region(&scene, (struct range){ start, middle }, sizes[i], false);
		add_region(&scene, (struct range){ middle, end }, sizes[i], true);
		find(&scene);
		assert_int_equal(scene.anomalies.rows.count, 0);
		assert_int_equal(scene.blocks.count, 2);
		assert_true(has(&scene, start, middle) && has(&scene, middle, end));
		scene_deinit(&scene);
	}
}

/* How long each of two is nobody says. */
static void two_damaged_regions_are_not_guessed(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	add_regions(&scene, 0x190);
	heap_builder_set(&scene.builder, BASE + 8, 0);
	heap_builder_set(&scene.builder, BASE + 2 * REGION_BYTES + 8, 0);
	find(&scene);
	assert_int_equal(scene.blocks.count, 1);
	assert_true(has(&scene, BASE + REGION_BYTES, BASE + 2 * REGION_BYTES));
	assert_int_equal(scene.anomalies.rows.count, 1);
	scene_deinit(&scene);
}

/* The same fenceposts, and a start that can be one, in two places. */
static void a_region_that_fits_twice_is_not_guessed(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	add_regions(&scene, 0x190);
	heap_builder_set(&scene.builder, BASE + 0x190 + 8, 0);
	heap_builder_set(&scene.builder, BASE + REGION_BYTES + 0x190 + 8, 0);
	scene.arena.system_bytes -= REGION_BYTES;
	find(&scene);
	assert_int_equal(scene.blocks.count, 1);
	assert_int_equal(scene.anomalies.rows.count, 1);
	scene_deinit(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_regions_are_found),
		cmocka_unit_test(a_damaged_header_costs_no_region),
		cmocka_unit_test(a_region_may_start_within_a_page),
		cmocka_unit_test(two_damaged_regions_are_not_guessed),
		cmocka_unit_test(a_region_that_fits_twice_is_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
