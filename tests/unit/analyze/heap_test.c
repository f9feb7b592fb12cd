#include "tests/unit/unit.h"

#include "analyze/heap/heap.h"
#include "archive/page_map.h"
#include "tests/support/heap_builder.h"

#include <string.h>

static const struct {
	const char *class;
	unsigned word;
	const char *generation;
} rows[] = {
	{ "A0", 8, "glibc 2.6-2.14" },      { "A1", 8, "glibc 2.15-2.22" },
	{ "B", 8, "glibc 2.24-2.25" },      { "C", 8, "glibc 2.35-2.41" },
	{ "C-2.26", 8, "glibc 2.26-2.28" }, { "D", 8, "glibc 2.43-2.44" },
	{ "A1", 4, "glibc 2.15-2.22" },     { "C", 4, "glibc 2.35-2.41" },
	{ "D", 4, "glibc 2.43-2.44" },
};

enum { ROWS = sizeof rows / sizeof rows[0], KEPT = 64 };

struct world {
	struct heap_builder builder;
	struct heap heap;
	struct anomalies anomalies;
	struct kept {
		vaddr chunk;
		enum chunk_state state;
	} kept[KEPT];
	size_t count;
};

static void keep(struct world *world, vaddr chunk, enum chunk_state state)
{
	world->kept[world->count++] = (struct kept){ chunk, state };
}

/* Some of everything in the arena. */
static void fill_arena(struct world *world, size_t arena, vaddr tcache)
{
	struct heap_builder *builder = &world->builder;
	uint64_t small = 4 * builder->class->word, step = 2 * builder->class->alignment;

	keep(world, heap_builder_chunk(builder, arena, step * 3, HEAP_USED), CHUNK_IN_USE);
	keep(world, heap_builder_chunk(builder, arena, step * 40, HEAP_BINNED), CHUNK_BINNED);
	keep(world, heap_builder_chunk(builder, arena, small, HEAP_USED), CHUNK_IN_USE);
	for (int i = 0; i < 3 && builder->class->fastbins; i++)
		keep(world, heap_builder_chunk(builder, arena, step, HEAP_FASTBIN), CHUNK_FASTBIN);
	keep(world, heap_builder_chunk(builder, arena, 0x3000, HEAP_BINNED), CHUNK_BINNED);
	for (int i = 0; i < 3 && tcache; i++) {
		vaddr chunk = heap_builder_chunk(builder, arena, step * 2, HEAP_USED);

		heap_builder_cache(builder, tcache, chunk);
		keep(world, chunk, CHUNK_TCACHE);
	}
	keep(world, heap_builder_chunk(builder, arena, step, HEAP_USED), CHUNK_IN_USE);
}

static void build(struct world *world, const char *class, unsigned word)
{
	struct heap_builder *builder = &world->builder;
	vaddr tcache = 0;

	*world = (struct world){ 0 };
	heap_builder_init(builder, class, word);
	heap_builder_arena(builder, 0x21000);
	for (size_t i = 0; i < 2; i++) {
		tcache = builder->class->tcache_bytes ? heap_builder_tcache(builder, i) : 0;
		fill_arena(world, i, tcache);
		heap_builder_thread(builder, 100 + (uint32_t)i, i, tcache);
	}
	heap_builder_heap(builder, 1, 0x21000);
	fill_arena(world, 1, tcache);
	keep(world, heap_builder_mmapped(builder, 0x42000, 0), CHUNK_MMAPPED);
	keep(world, heap_builder_mmapped(builder, 0x42000, 0x1000 - 2 * word), CHUNK_MMAPPED);
	heap_builder_finish(builder);
}

static void walk(struct world *world, const struct page_map *page_map, unsigned workers)
{
	struct progress progress = { 0 };

	heap_walk(&world->heap, &world->builder.image, &world->builder.regions, &world->builder.core,
			  page_map, workers, &progress, &world->anomalies);
}

static void forget(struct world *world)
{
	heap_deinit(&world->heap);
	anomalies_deinit(&world->anomalies);
	heap_builder_deinit(&world->builder);
}

static void assert_all_kept(const struct world *world)
{
	for (size_t i = 0; i < world->count; i++) {
		struct chunk chunk;

		assert_true(chunk_table_find(&world->heap.chunks, world->kept[i].chunk, &chunk));
		assert_int_equal(chunk.address, world->kept[i].chunk);
		assert_int_equal(chunk.state, world->kept[i].state);
	}
}

/* Every byte of an arena's blocks is in one chunk. */
static void assert_closed(const struct heap *heap)
{
	for (size_t i = 0; i < heap->arenas.count; i++) {
		uint64_t owned = 0, tiled = 0;

		for (size_t k = 0; k < heap->blocks.count; k++)
			if (heap->blocks.items[k].arena == (int)i)
				owned += range_bytes(heap->blocks.items[k].range);
		for (int k = 0; k < CHUNK_STATES; k++)
			tiled += heap->arenas.items[i].states[k].bytes;
		assert_int_equal(owned, tiled);
		assert_int_equal(owned, heap->arenas.items[i].block_bytes);
	}
}

static void every_class_is_walked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct world world;

		build(&world, rows[i].class, rows[i].word);
		walk(&world, NULL, 1 + i % 2);
		assert_true(world.heap.found);
		assert_string_equal(world.heap.generation, rows[i].generation);
		assert_int_equal(world.heap.arenas.count, 2);
		assert_int_equal(world.heap.arenas.items[1].heaps, 2);
		assert_int_equal(world.heap.arenas.items[1].system_bytes, 0x42000);
		assert_int_equal(world.heap.threads.items[1].arena, 1);
		assert_int_equal(world.heap.mmapped.chunks, 2);
		assert_int_equal(world.heap.chunks.header_bytes, 2 * rows[i].word);
		assert_all_kept(&world);
		assert_closed(&world.heap);
		assert_int_equal(world.anomalies.rows.count, 0);
		forget(&world);
	}
}

static void residency_and_trim_follow_the_page_map(void **state)
{
	struct page_map map = { .page_size = 4096 };
	const struct heap_arena *arena;
	struct world world;
	struct range brk, gone;
	vaddr large;

	(void)state;
	build(&world, "C", 8);
	brk = world.builder.areas.items[1].range;
	large = world.kept[6].chunk;
	assert_int_equal(heap_builder_get(&world.builder, large + 8), 0x3001);
	gone = (struct range){ (large + 48 + 4095) & ~UINT64_C(4095), 0 };
	gone.end = gone.start + 4096;
	page_map_append(&map, (struct range){ brk.start, gone.start }, PAGE_PRESENT);
	page_map_append(&map, gone, PAGE_ABSENT);
	page_map_append(&map, (struct range){ gone.end, gone.end + 0x8000 }, PAGE_PRESENT);
	page_map_append(&map, (struct range){ gone.end + 0x8000, brk.end }, PAGE_ABSENT);
	walk(&world, &map, 1);
	arena = &world.heap.arenas.items[0];
	assert_int_equal(arena->states[CHUNK_BINNED].resident_bytes,
					 arena->states[CHUNK_BINNED].bytes - 4096);
	assert_int_equal(arena->states[CHUNK_IN_USE].resident_bytes, arena->states[CHUNK_IN_USE].bytes);
	/* One page of the large chunk is left, and of top what is resident behind its first page. */
	assert_int_equal(arena->trim.bytes,
					 4096 + gone.end + 0x8000 -
						 ((world.builder.arenas.items[0].cursor + 33 + 4095) & ~UINT64_C(4095)));
	assert_int_equal(world.heap.arenas.items[1].states[CHUNK_IN_USE].resident_bytes, 0);
	page_map_deinit(&map);
	forget(&world);
}

/* A long fastbin in a block of many pages, some of them not resident. */
static void many_chunks_are_marked_and_summed(void **state)
{
	enum { COUNT = 3000, BYTES = 48 };
	struct page_map map = { .page_size = 4096 };
	const struct chunk_sum *sums;
	struct world world = { 0 };
	struct range brk;
	uint64_t resident = 0;

	(void)state;
	heap_builder_init(&world.builder, "C", 8);
	for (int i = 0; i < COUNT; i++)
		heap_builder_chunk(&world.builder, 0, BYTES, i % 3 ? HEAP_USED : HEAP_FASTBIN);
	heap_builder_finish(&world.builder);
	brk = world.builder.areas.items[1].range;
	page_map_append(&map, (struct range){ brk.start, brk.start + 0x2000 }, PAGE_PRESENT);
	page_map_append(&map, (struct range){ brk.start + 0x2000, brk.start + 0x8000 }, PAGE_ABSENT);
	page_map_append(&map, (struct range){ brk.start + 0x8000, brk.end }, PAGE_PRESENT);
	walk(&world, &map, 2);
	sums = world.heap.arenas.items[0].states;
	assert_int_equal(sums[CHUNK_FASTBIN].chunks, COUNT / 3);
	assert_int_equal(sums[CHUNK_IN_USE].chunks, COUNT - COUNT / 3);
	for (int i = 0; i < CHUNK_STATES; i++)
		resident += sums[i].resident_bytes;
	assert_int_equal(resident, range_bytes(brk) - 0x6000);
	assert_int_equal(world.anomalies.rows.count, 0);
	page_map_deinit(&map);
	forget(&world);
}

static void an_untouched_arena_gives_no_heap(void **state)
{
	struct world world = { 0 };

	(void)state;
	heap_builder_init(&world.builder, "C", 8);
	heap_builder_set(&world.builder, world.builder.arenas.items[0].address + 96,
					 world.builder.arenas.items[0].address + 96);
	walk(&world, NULL, 1);
	assert_false(world.heap.found);
	assert_int_equal(world.heap.arenas.count, 0);
	assert_int_equal(world.heap.chunks.blocks.count, 0);
	assert_string_equal(world.heap.generation, "");
	assert_int_equal(world.anomalies.rows.count, 0);
	forget(&world);
}

/* Since 2.43 a tcache whose maximum was raised takes mapped chunks too; they stay mapped and malloc
 * still counts them. */
static void mmapped_chunks_in_a_tcache_are_free(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct world world;
		struct kept *mapped;
		vaddr tcache;

		build(&world, "D", word);
		mapped = &world.kept[world.count - 1];
		tcache = heap_builder_get(&world.builder, world.builder.core.threads.items[0].tp +
													  (vaddr)HEAP_BUILDER_TLS_TCACHE);
		heap_builder_cache(&world.builder, tcache, mapped->chunk);
		mapped->state = CHUNK_TCACHE;
		walk(&world, NULL, 1);
		assert_int_equal(world.heap.mmapped.chunks, 1);
		assert_int_equal(world.heap.mmapped_cached.chunks, 1);
		assert_all_kept(&world);
		assert_closed(&world.heap);
		assert_int_equal(world.anomalies.rows.count, 0);
		forget(&world);
	}
}

/* A range's bin takes no chunk of another range. */
static void a_tcache_bin_of_a_range_has_a_range(void **state)
{
	struct world world;
	vaddr tcache;

	(void)state;
	build(&world, "D", 8);
	tcache = heap_builder_get(&world.builder, world.builder.core.threads.items[0].tp +
												  (vaddr)HEAP_BUILDER_TLS_TCACHE);
	heap_builder_set(&world.builder, tcache + 152 + 64 * 8, world.kept[world.count - 1].chunk + 16);
	walk(&world, NULL, 1);
	assert_int_equal(world.heap.mmapped_cached.chunks, 0);
	assert_int_equal(world.anomalies.rows.count, 1);
	forget(&world);
}

/* Mapped chunks that malloc does not know of are said, and so are missing ones. */
static void mmapped_chunks_are_counted_against_malloc(void **state)
{
	struct world world;

	(void)state;
	build(&world, "C", 8);
	heap_builder_set(&world.builder, world.kept[world.count - 1].chunk + 8, 0);
	heap_builder_set(&world.builder, world.kept[world.count - 1].chunk - 0xff0 + 8, 0);
	walk(&world, NULL, 1);
	assert_int_equal(world.heap.mmapped.chunks, 1);
	assert_int_equal(world.anomalies.rows.count, 1);
	forget(&world);
}

/* A table of (NULL, 4098) pairs has what looks like the header of a mapping of one page. */
static void bytes_that_look_like_a_mapping_are_dropped(void **state)
{
	struct world world;
	vaddr fake = 0x7ffff7000000;

	(void)state;
	for (unsigned pages = 1; pages <= 2; pages++) {
		build(&world, "C", 8);
		heap_builder_area(&world.builder, (struct range){ fake, fake + 0x10000 }, REGION_ANONYMOUS);
		heap_builder_set(&world.builder, fake + 0x3008, pages * 0x1000 | 2);
		walk(&world, NULL, 1);
		assert_int_equal(world.heap.mmapped.chunks, 2);
		assert_int_equal(world.anomalies.rows.count, 0);
		assert_all_kept(&world);
		forget(&world);
	}
	/* As large as a real one: which of them is false cannot be told. */
	build(&world, "C", 8);
	heap_builder_area(&world.builder, (struct range){ fake, fake + 0x100000 }, REGION_ANONYMOUS);
	heap_builder_set(&world.builder, fake + 0x3008, 0x42002);
	walk(&world, NULL, 1);
	assert_int_equal(world.heap.mmapped.chunks, 3);
	assert_int_equal(world.anomalies.rows.count, 1);
	forget(&world);
}

static bool has_row_with(const struct world *world, const char *what, const char *cause)
{
	for (size_t i = 0; i < world->anomalies.rows.count; i++)
		if (strstr(world->anomalies.rows.items[i].what, what))
			return !strstr(world->anomalies.rows.items[i].what, "ran while") == !*cause;
	return false;
}

/* What a running process tears is not called damage. */
static void what_is_odd_in_a_live_capture_has_its_cause(void **state)
{
	static const char *const causes[] = { "", "live" };

	(void)state;
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
		struct world world;
		size_t fast = 0, cached = 0, used = 0;

		build(&world, "C", 8);
		for (size_t k = 0; k < world.count; k++) {
			fast = !fast && world.kept[k].state == CHUNK_FASTBIN ? k : fast;
			cached = !cached && world.kept[k].state == CHUNK_TCACHE ? k : cached;
			used = world.kept[k].state == CHUNK_IN_USE ? k : used;
		}
		heap_builder_set(&world.builder, world.kept[used].chunk + 8, 0x4141414141414141);
		heap_builder_set(&world.builder, world.kept[cached + 2].chunk + 16, 0x4242424242);
		heap_builder_set(&world.builder, world.kept[fast + 2].chunk + 16, 0x4242424242);
		world.builder.core.has_facts = *causes[i];
		world.builder.core.facts.consistency = causes[i];
		walk(&world, NULL, 1);
		assert_true(has_row_with(&world, "cannot be walked", causes[i]));
		assert_true(has_row_with(&world, "tcache list", causes[i]));
		assert_true(has_row_with(&world, "a fastbin", causes[i]));
		forget(&world);
	}
}

/* Cut at any page of the main arena's memory: what was captured is still told right. */
static void truncated_memory_is_walked_as_far_as_it_goes(void **state)
{
	struct world world;

	(void)state;
	for (vaddr offset = 0; offset < 0x6000; offset += 0x990) {
		struct range brk;
		size_t wrong = 0;

		build(&world, "C", 8);
		brk = world.builder.areas.items[1].range;
		heap_builder_drop(&world.builder, (struct range){ brk.start + offset, brk.end });
		walk(&world, NULL, 1);
		assert_closed(&world.heap);
		for (size_t i = 0; world.heap.found && i < world.count; i++) {
			struct chunk chunk;

			if (chunk_table_find(&world.heap.chunks, world.kept[i].chunk, &chunk) &&
				chunk.state != CHUNK_UNWALKABLE && chunk.address == world.kept[i].chunk)
				wrong += chunk.state != world.kept[i].state;
		}
		assert_int_equal(wrong, 0);
		forget(&world);
	}
}

/* A word whose damage must not cost an arena or its memory; the one after the last is at 0. */
static struct damage {
	vaddr at;
	uint64_t value;
} damages_of(const struct world *world, unsigned which)
{
	const struct heap_builder *builder = &world->builder;
	const struct heap_class *class = builder->class;
	vaddr main = builder->arenas.items[0].address, other = builder->arenas.items[1].address;
	vaddr top = class->bins_at - 2 * class->word, last_bin = class->bins_at + 252 * class->word;

	switch (which) {
	case 0: /* heap_info.pagesize */
		return (struct damage){ other - class->heap_info_bytes + class->page_size_at, 0x1234 };
	case 1:
		return (struct damage){ main + top, 0x1234 };
	case 2:
		return (struct damage){ main + top, 0 };
	case 3:
		return (struct damage){ main + top, other + 0x1000 };
	case 4:
		return (struct damage){ main + top, world->kept[1].chunk };
	case 5:
		return (struct damage){ other + top, 0x1230 };
	case 6:
		return (struct damage){ main + last_bin, 0x1234 };
	case 7:
		return (struct damage){ other + last_bin, 0x1234 };
	case 8:
		return (struct damage){ main + class->next_at, main };
	case 9: /* before the first chunk of a heap that has fenceposts */
		return (struct damage){ other + top, other + 0x40 };
	default:
		return (struct damage){ 0, 0 };
	}
}

static void a_damaged_word_costs_no_arena(void **state)
{
	(void)state;
	for (unsigned i = 0;; i++) {
		struct damage damage;
		struct world world;

		build(&world, "C", 8);
		damage = damages_of(&world, i);
		if (damage.at)
			heap_builder_set(&world.builder, damage.at, damage.value);
		walk(&world, NULL, 1);
		assert_true(world.heap.found);
		assert_int_equal(world.heap.arenas.count, 2);
		assert_true(world.heap.arenas.items[0].main && !world.heap.arenas.items[1].main);
		assert_all_kept(&world);
		assert_closed(&world.heap);
		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(world.heap.arenas.items[k].states[CHUNK_TOP].chunks, 1);
			assert_int_equal(world.heap.arenas.items[k].states[CHUNK_UNWALKABLE].bytes, 0);
		}
		forget(&world);
		if (!damage.at)
			return;
	}
}

/* The chunk that holds it is lost with its header; what it caches is not. */
static void a_tcache_behind_a_damaged_header_is_read(void **state)
{
	struct world world;
	vaddr chunk;

	(void)state;
	build(&world, "C", 8);
	chunk = heap_builder_get(&world.builder, world.builder.core.threads.items[0].tp +
												 (vaddr)HEAP_BUILDER_TLS_TCACHE) -
			16;
	heap_builder_set(&world.builder, chunk + 8, 0);
	walk(&world, NULL, 1);
	assert_all_kept(&world);
	assert_closed(&world.heap);
	forget(&world);
}

/* Any bit of any word of the heap, malloc_state or tcache flipped: no crash, and the sums close. */
static void flipped_bits_do_no_harm(void **state)
{
	uint64_t random = 88172645463325252u;

	(void)state;
	for (unsigned i = 0; i < 1500; i++) {
		struct world world;
		vaddr places[4], at;

		build(&world, rows[i % ROWS].class, rows[i % ROWS].word);
		places[0] = world.builder.arenas.items[0].address;
		places[1] = world.builder.areas.items[1].range.start;
		places[2] = world.builder.arenas.items[1].address - world.builder.class->heap_info_bytes;
		places[3] = world.builder.arenas.items[1].heap;
		for (unsigned k = 0; k <= i % 4; k++) {
			unsigned word = world.builder.class->word;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			at = places[random % 4] + (random >> 8) % 600 * word;
			heap_builder_set(&world.builder, at,
							 heap_builder_get(&world.builder, at) ^
								 (UINT64_C(1) << (random >> 40) % (8 * word)));
		}
		walk(&world, NULL, 1);
		assert_closed(&world.heap);
		forget(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_is_walked),
		cmocka_unit_test(residency_and_trim_follow_the_page_map),
		cmocka_unit_test(many_chunks_are_marked_and_summed),
		cmocka_unit_test(an_untouched_arena_gives_no_heap),
		cmocka_unit_test(mmapped_chunks_in_a_tcache_are_free),
		cmocka_unit_test(a_tcache_bin_of_a_range_has_a_range),
		cmocka_unit_test(mmapped_chunks_are_counted_against_malloc),
		cmocka_unit_test(bytes_that_look_like_a_mapping_are_dropped),
		cmocka_unit_test(what_is_odd_in_a_live_capture_has_its_cause),
		cmocka_unit_test(truncated_memory_is_walked_as_far_as_it_goes),
		cmocka_unit_test(a_damaged_word_costs_no_arena),
		cmocka_unit_test(a_tcache_behind_a_damaged_header_is_read),
		cmocka_unit_test(flipped_bits_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
