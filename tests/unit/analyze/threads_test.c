#include "tests/unit/unit.h"

#include "analyze/heap/heap.h"
#include "analyze/heap/thread_pointers.h"
#include "tests/support/heap_builder.h"

#include <string.h>

enum { THREADS = 3, FIRST_TID = 4711 };

static void build(struct heap_builder *builder, unsigned word)
{
	heap_builder_init(builder, "D", word);
	heap_builder_chunk(builder, 0, 64, HEAP_USED);
	for (unsigned i = 0; i < THREADS; i++) {
		size_t arena = i ? heap_builder_arena(builder, 0x21000) : 0;
		vaddr tcache = heap_builder_tcache(builder, arena);

		for (int k = 0; k < 3; k++)
			heap_builder_cache(builder, tcache, heap_builder_chunk(builder, arena, 64, HEAP_USED));
		heap_builder_chunk(builder, arena, 64, HEAP_USED);
		heap_builder_thread(builder, FIRST_TID + i, arena, tcache);
	}
	heap_builder_finish(builder);
}

/* As gcore writes a 32-bit program's registers: without the bases of its segments. */
static void forget_pointers(struct heap_builder *builder, vaddr were[THREADS])
{
	for (size_t i = 0; i < THREADS; i++) {
		were[i] = builder->core.threads.items[i].tp;
		builder->core.threads.items[i].tp = 0;
	}
}

static void find(const struct heap_builder *builder, thread_pointers *found)
{
	*found = (thread_pointers){ 0 };
	thread_pointers_find(&builder->image, &builder->regions, &builder->core, found);
	assert_int_equal(found->count, THREADS);
}

static void pointers_are_found_by_content(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct heap_builder builder;
		thread_pointers found;
		vaddr were[THREADS];

		build(&builder, word);
		forget_pointers(&builder, were);
		find(&builder, &found);
		for (size_t i = 0; i < THREADS; i++)
			assert_int_equal(found.items[i], were[i]);
		vec_deinit(&found);
		heap_builder_deinit(&builder);
	}
}

/* A block of a thread that ended, one that is no control block, and two with the same id. */
static void a_pointer_is_not_guessed(void **state)
{
	struct heap_builder builder;
	thread_pointers found;
	vaddr were[THREADS];
	vaddr extra = 0xf7000000;

	(void)state;
	build(&builder, 4);
	forget_pointers(&builder, were);
	heap_builder_area(&builder, (struct range){ extra, extra + 0x4000 }, REGION_ANONYMOUS);
	for (vaddr at = extra; at < extra + 0x3000; at += 0x1000) {
		heap_builder_set(&builder, at, at);
		heap_builder_set(&builder, at + 8, at);
	}
	heap_builder_set(&builder, extra + 0x68, FIRST_TID + THREADS);
	heap_builder_set(&builder, extra + 0x1068, FIRST_TID + 1);
	heap_builder_set(&builder, extra + 0x2000 + 8, 0);
	heap_builder_set(&builder, extra + 0x2068, FIRST_TID + 2);
	find(&builder, &found);
	assert_int_equal(found.items[0], were[0]);
	assert_int_equal(found.items[1], 0);
	assert_int_equal(found.items[2], were[2]);
	vec_deinit(&found);
	heap_builder_deinit(&builder);
}

static void walk(const struct heap_builder *builder, struct heap *heap, struct anomalies *anomalies)
{
	struct progress progress = { 0 };

	*anomalies = (struct anomalies){ 0 };
	heap_walk(heap, &builder->image, &builder->regions, &builder->core, NULL, 1, &progress,
			  anomalies);
}

/* As gcore leaves a stack that it could not read: zeros where the registers point. The thread's
 * arena is not known then; what its tcache holds is, by the struct's own content. */
static void a_lost_stack_costs_the_arena_of_its_thread(void **state)
{
	struct heap_builder builder;
	struct anomalies anomalies;
	struct heap heap;
	vaddr tp;

	(void)state;
	for (unsigned with_pointers = 0; with_pointers <= 1; with_pointers++) {
		build(&builder, 8);
		tp = builder.core.threads.items[2].tp;
		for (vaddr at = tp - 0x100; at < tp + 0x300; at += 8)
			heap_builder_set(&builder, at, 0);
		for (size_t i = 0; i < THREADS && !with_pointers; i++)
			builder.core.threads.items[i].tp = 0;
		walk(&builder, &heap, &anomalies);
		assert_int_equal(heap.threads.items[0].arena, 0);
		assert_int_equal(heap.threads.items[1].arena, 2); /* the ring's newest comes first */
		assert_int_equal(heap.threads.items[2].arena, -1);
		for (size_t i = 0; i < THREADS; i++)
			assert_int_equal(heap.arenas.items[i].states[CHUNK_TCACHE].chunks, 3);
		assert_int_equal(anomalies.rows.count, 1);
		assert_non_null(strstr(anomalies.rows.items[0].what, "control block of thread 4713"));
		heap_deinit(&heap);
		anomalies_deinit(&anomalies);
		heap_builder_deinit(&builder);
	}
}

/* A core without stacks is no oddity. */
static void stacks_that_were_left_out_are_not_odd(void **state)
{
	struct heap_builder builder;
	struct anomalies anomalies;
	struct heap heap;

	(void)state;
	build(&builder, 8);
	for (size_t i = 0; i < THREADS; i++) {
		vaddr page = builder.core.threads.items[i].tp & ~UINT64_C(0xfff);

		heap_builder_drop(&builder, (struct range){ page, page + 0x1000 });
	}
	walk(&builder, &heap, &anomalies);
	assert_int_equal(heap.threads.items[0].arena, -1);
	assert_int_equal(heap.arenas.items[1].states[CHUNK_TCACHE].chunks, 3);
	assert_int_equal(anomalies.rows.count, 0);
	heap_deinit(&heap);
	anomalies_deinit(&anomalies);
	heap_builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers_are_found_by_content),
		cmocka_unit_test(a_pointer_is_not_guessed),
		cmocka_unit_test(a_lost_stack_costs_the_arena_of_its_thread),
		cmocka_unit_test(stacks_that_were_left_out_are_not_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
