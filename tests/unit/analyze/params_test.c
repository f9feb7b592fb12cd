#include "tests/unit/unit.h"

#include "analyze/heap/heap.h"
#include "tests/support/heap_builder.h"

/* A main arena of brk memory and a mapped region, of which malloc_par knows the second one only, as
 * where huge pages are used, and one mmapped chunk. */
static void build(struct heap_builder *builder)
{
	heap_builder_init(builder, "C", 8);
	heap_builder_chunk(builder, 0, 64, HEAP_USED);
	heap_builder_region(builder, 1 << 20);
	for (int i = 0; i < 40; i++)
		heap_builder_chunk(builder, 0, 96, HEAP_USED);
	heap_builder_mmapped(builder, 0x42000, 0);
	heap_builder_finish(builder);
	heap_builder_set(builder, builder->params + builder->class->sbrk_base_at,
					 builder->arenas.items[0].heap);
}

/* Words of libc that stand as those of a malloc_par would, one that starts the brk memory at the
 * place of sbrk_base; further from the main arena than the real one. */
static void add_decoy(struct heap_builder *builder, uint32_t n_mmaps, uint64_t mmapped_mem)
{
	const struct heap_class *class = builder->class;
	vaddr decoy = builder->params - 0x400;

	heap_builder_set(builder, decoy + class->sbrk_base_at, builder->areas.items[1].range.start);
	heap_builder_set(builder, decoy + class->n_mmaps_at, n_mmaps);
	heap_builder_set(builder, decoy + class->n_mmaps_at + 8, n_mmaps + 1);
	heap_builder_set(builder, decoy + class->mmapped_mem_at, mmapped_mem);
	heap_builder_set(builder, decoy + class->mmapped_mem_at + 8, mmapped_mem + 4096);
	heap_builder_set(builder, decoy + class->tcache_count_at, 7);
}

static size_t count_anomalies(const struct heap_builder *builder)
{
	struct anomalies anomalies = { 0 };
	struct progress progress = { 0 };
	struct heap heap;
	size_t count;

	heap_walk(&heap, &builder->image, &builder->regions, &builder->core, NULL, 1, &progress,
			  &anomalies);
	assert_true(heap.found);
	assert_int_equal(heap.mmapped.chunks, 1);
	count = anomalies.rows.count;
	heap_deinit(&heap);
	anomalies_deinit(&anomalies);
	return count;
}

static void other_words_are_not_taken_for_it(void **state)
{
	static const struct {
		uint32_t n_mmaps;
		uint64_t mmapped_mem;
	} decoys[] = { { 32583, 0x7f4757410010 }, /* halves of pointers */
				   { 2, 0x50000 },            /* sound, but it fits less well */
				   { 30, 0x1000 } };          /* less than a page for each */

	(void)state;
	for (size_t i = 0; i < sizeof decoys / sizeof decoys[0]; i++) {
		struct heap_builder builder;

		build(&builder);
		assert_int_equal(count_anomalies(&builder), 0);
		add_decoy(&builder, decoys[i].n_mmaps, decoys[i].mmapped_mem);
		assert_int_equal(count_anomalies(&builder), 0);
		heap_builder_deinit(&builder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_words_are_not_taken_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
