#include "tests/unit/unit.h"

#include "analyze/attribute/size_classes.h"
#include "analyze/attribute/tally.h"
#include "tests/support/attribute_builder.h"

#include <stdlib.h>
#include <string.h>

static void sizes_are_counted_by_state(void **state)
{
	static const struct chunk chunks[] = {
		{ .bytes = 32, .state = CHUNK_IN_USE },     { .bytes = 32, .state = CHUNK_IN_USE },
		{ .bytes = 32, .state = CHUNK_BINNED },     { .bytes = 1024, .state = CHUNK_TCACHE },
		{ .bytes = 4096, .state = CHUNK_OVERHEAD }, { .bytes = 9000, .state = CHUNK_TOP },
	};

	(void)state;
	for (unsigned workers = 1; workers < 5; workers++) {
		struct attribute_builder builder;
		struct report_heap heap = { 0 };

		attribute_builder_init(&builder);
		attribute_builder_arena(&builder, 0x10000, chunks, 6);
		attribute_builder_mmapped(&builder, 0x90000, 8192);
		chunk_table_seal(&builder.heap.chunks);
		size_classes_fill(&heap, &builder.heap.chunks, workers);
		assert_int_equal(heap.size_classes.count, 4);
		assert_string_equal(heap.size_classes.items[0].state, "mmapped");
		assert_int_equal(heap.size_classes.items[0].bytes, 8192);
		assert_string_equal(heap.size_classes.items[1].state, "tcache");
		assert_int_equal(heap.size_classes.items[2].chunks, 2);
		assert_int_equal(heap.size_classes.items[2].size, 32);
		assert_string_equal(heap.size_classes.items[2].state, "in-use");
		assert_string_equal(heap.size_classes.items[3].state, "binned");
		vec_deinit(&heap.size_classes);
		attribute_builder_deinit(&builder);
	}
}

static void only_the_largest_are_kept(void **state)
{
	enum { COUNT = 200 };
	struct chunk chunks[COUNT] = { 0 };
	struct attribute_builder builder;
	struct report_heap heap = { 0 };

	(void)state;
	attribute_builder_init(&builder);
	for (unsigned i = 0; i < COUNT; i++)
		chunks[i] = (struct chunk){ .bytes = 32 + 16 * i, .state = CHUNK_IN_USE };
	attribute_builder_arena(&builder, 0x10000, chunks, COUNT);
	chunk_table_seal(&builder.heap.chunks);
	size_classes_fill(&heap, &builder.heap.chunks, 2);
	assert_int_equal(heap.size_classes.count, SIZE_CLASSES_MAX);
	assert_int_equal(heap.size_classes.items[0].size, 32 + 16 * (COUNT - 1));
	vec_deinit(&heap.size_classes);
	attribute_builder_deinit(&builder);
}

/* The hash table against a plain array, through several doublings. */
static void a_tally_counts_what_is_added(void **state)
{
	enum { KEYS = 5000 };
	uint64_t *wanted = calloc(KEYS, sizeof *wanted);
	struct tally tally = { 0 }, other = { 0 };
	uint64_t last = UINT64_MAX;
	size_t rows;

	(void)state;
	srand(3);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t key = (uint64_t)rand() % KEYS;

		wanted[key]++;
		tally_add(i & 1 ? &tally : &other, key << 40, key);
	}
	tally_merge(&tally, &other);
	rows = tally_sort(&tally);
	for (size_t i = 0; i < rows; i++) {
		uint64_t key = tally.slots[i].key >> 40;

		assert_int_equal(tally.slots[i].chunks, wanted[key]);
		assert_int_equal(tally.slots[i].bytes, wanted[key] * key);
		assert_true(tally.slots[i].bytes <= last);
		last = tally.slots[i].bytes;
		wanted[key] = 0;
	}
	for (size_t i = 0; i < KEYS; i++)
		assert_int_equal(wanted[i], 0);
	tally_deinit(&tally);
	tally_deinit(&other);
	free(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_counted_by_state),
		cmocka_unit_test(only_the_largest_are_kept),
		cmocka_unit_test(a_tally_counts_what_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
