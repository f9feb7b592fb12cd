#include "tests/unit/unit.h"

#include "analyze/heap/heap.h"
#include "tests/support/heap_builder.h"

#include <string.h>

static void walk(const struct heap_builder *builder, struct heap *heap, struct anomalies *anomalies)
{
	struct progress progress = { 0 };

	*anomalies = (struct anomalies){ 0 };
	heap_walk(heap, &builder->image, &builder->regions, &builder->core, NULL, 1, &progress,
			  anomalies);
}

static void assert_state(const struct heap *heap, vaddr address, enum chunk_state state)
{
	struct chunk chunk;

	assert_true(chunk_table_find(&heap->chunks, address, &chunk));
	assert_int_equal(chunk.address, address);
	assert_int_equal(chunk.state, state);
}

struct cached {
	struct heap_builder builder;
	struct heap heap;
	struct anomalies anomalies;
	vaddr tcache[2], entries[2][4], used;
};

/* Main and a secondary arena, a thread and a tcache for each; entries of both arenas in both. */
static void build(struct cached *cached, const char *class, unsigned word)
{
	struct heap_builder *builder = &cached->builder;
	uint64_t step;

	heap_builder_init(builder, class, word);
	step = 2 * builder->class->alignment;
	heap_builder_arena(builder, 0x21000);
	for (size_t i = 0; i < 2; i++) {
		cached->tcache[i] = heap_builder_tcache(builder, i);
		for (size_t k = 0; k < 4; k++)
			cached->entries[i][k] =
				heap_builder_chunk(builder, i ^ (k & 1), step * (k < 3 ? 2 : 3), HEAP_USED);
		cached->used = heap_builder_chunk(builder, i, step * 2, HEAP_USED);
		for (size_t k = 0; k < 4; k++)
			heap_builder_cache(builder, cached->tcache[i], cached->entries[i][k]);
	}
	heap_builder_finish(builder);
}

static void forget(struct cached *cached)
{
	heap_deinit(&cached->heap);
	anomalies_deinit(&cached->anomalies);
	heap_builder_deinit(&cached->builder);
}

static void assert_all_cached(const struct cached *cached)
{
	for (size_t i = 0; i < 2; i++) {
		assert_state(&cached->heap, cached->tcache[i] - 2 * cached->builder.class->word,
					 CHUNK_OVERHEAD);
		for (size_t k = 0; k < 4; k++)
			assert_state(&cached->heap, cached->entries[i][k], CHUNK_TCACHE);
	}
	assert_state(&cached->heap, cached->used, CHUNK_IN_USE);
	assert_int_equal(cached->anomalies.rows.count, 0);
}

static const struct {
	const char *class;
	unsigned word;
} forms[] = { { "C", 8 }, { "C-2.26", 8 }, { "D", 8 }, { "C", 4 }, { "D", 4 } };

enum { FORMS = sizeof forms / sizeof forms[0] };

static void entries_of_every_form_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct cached cached;

		build(&cached, forms[i].class, forms[i].word);
		heap_builder_thread(&cached.builder, 7, 0, cached.tcache[0]);
		heap_builder_thread(&cached.builder, 8, 1, cached.tcache[1]);
		heap_builder_thread(&cached.builder, 9, SIZE_MAX, 0);
		walk(&cached.builder, &cached.heap, &cached.anomalies);
		assert_true(cached.heap.found);
		assert_all_cached(&cached);
		assert_int_equal(cached.heap.threads.count, 3);
		assert_int_equal(cached.heap.threads.items[0].arena, 0);
		assert_int_equal(cached.heap.threads.items[1].arena, 1);
		assert_int_equal(cached.heap.threads.items[2].tid, 9);
		assert_int_equal(cached.heap.threads.items[2].arena, -1);
		forget(&cached);
	}
}

/* A core without thread pointers: the structs are told by what they hold. */
static void structs_are_found_without_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct cached cached;

		build(&cached, forms[i].class, forms[i].word);
		*vec_add(&cached.builder.core.threads) = (struct core_thread){ .tid = 7 };
		walk(&cached.builder, &cached.heap, &cached.anomalies);
		assert_all_cached(&cached);
		assert_int_equal(cached.heap.threads.items[0].arena, -1);
		forget(&cached);
	}
}

/* Nor is it where one of its words happens to be what a list's head would be. */
static void a_used_chunk_of_that_size_is_no_tcache(void **state)
{
	struct cached cached;
	vaddr chunk, other;

	(void)state;
	heap_builder_init(&cached.builder, "C", 8);
	chunk = heap_builder_chunk(&cached.builder, 0, 0x290, HEAP_USED);
	other = heap_builder_chunk(&cached.builder, 0, 64, HEAP_USED);
	for (unsigned i = 0; i < 0x280; i += 8)
		heap_builder_set(&cached.builder, chunk + 16 + i, 0x2020202020202020);
	heap_builder_set(&cached.builder, chunk + 16 + 128 + 2 * 8, other + 16);
	heap_builder_finish(&cached.builder);
	walk(&cached.builder, &cached.heap, &cached.anomalies);
	assert_state(&cached.heap, chunk, CHUNK_IN_USE);
	assert_state(&cached.heap, other, CHUNK_IN_USE);
	forget(&cached);
}

/* The lists of one thread are damaged in each way; no other thread's suffer. */
static void a_broken_list_keeps_what_led_there(void **state)
{
	static const uint64_t links[] = { 0x4141414141414141, 0, 8, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		struct cached cached;

		build(&cached, "C", 8);
		heap_builder_thread(&cached.builder, 7, 0, cached.tcache[0]);
		heap_builder_thread(&cached.builder, 8, 1, cached.tcache[1]);
		/* Entry 2 is the head: its link leads astray. */
		heap_builder_set(&cached.builder, cached.entries[0][2] + 16, links[i]);
		walk(&cached.builder, &cached.heap, &cached.anomalies);
		assert_state(&cached.heap, cached.entries[0][2], CHUNK_TCACHE);
		assert_state(&cached.heap, cached.entries[0][3], CHUNK_TCACHE);
		assert_state(&cached.heap, cached.entries[0][0], CHUNK_IN_USE);
		assert_state(&cached.heap, cached.entries[1][0], CHUNK_TCACHE);
		assert_int_equal(cached.anomalies.rows.count, 1);
		forget(&cached);
	}
}

static void a_list_that_loops_ends(void **state)
{
	struct cached cached;
	vaddr head, at;

	(void)state;
	build(&cached, "D", 8);
	heap_builder_thread(&cached.builder, 7, 0, cached.tcache[0]);
	heap_builder_thread(&cached.builder, 8, 1, cached.tcache[1]);
	head = cached.entries[0][2] + 16;
	at = cached.entries[0][0] + 16;
	heap_builder_set(&cached.builder, at, (at >> 12) ^ head);
	walk(&cached.builder, &cached.heap, &cached.anomalies);
	assert_int_equal(cached.anomalies.rows.count, 1);
	assert_state(&cached.heap, cached.entries[0][0], CHUNK_TCACHE);
	forget(&cached);
}

/* A count below the list's length is what an overflow into the struct leaves: the rest stays used.
 */
static void a_count_bounds_its_list(void **state)
{
	struct cached cached;

	(void)state;
	build(&cached, "C", 8);
	heap_builder_thread(&cached.builder, 7, 0, cached.tcache[0]);
	heap_builder_thread(&cached.builder, 8, 1, cached.tcache[1]);
	/* Bin 2 (64 bytes) has entries 2, 1 and 0. */
	heap_builder_set(&cached.builder, cached.tcache[0],
					 heap_builder_get(&cached.builder, cached.tcache[0]) - (UINT64_C(2) << 32));
	walk(&cached.builder, &cached.heap, &cached.anomalies);
	assert_state(&cached.heap, cached.entries[0][2], CHUNK_TCACHE);
	assert_state(&cached.heap, cached.entries[0][1], CHUNK_IN_USE);
	assert_int_equal(cached.anomalies.rows.count, 1);
	forget(&cached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_of_every_form_are_found),
		cmocka_unit_test(structs_are_found_without_threads),
		cmocka_unit_test(a_used_chunk_of_that_size_is_no_tcache),
		cmocka_unit_test(a_broken_list_keeps_what_led_there),
		cmocka_unit_test(a_list_that_loops_ends),
		cmocka_unit_test(a_count_bounds_its_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
