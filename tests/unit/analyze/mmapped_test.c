#include "tests/unit/unit.h"

#include "analyze/heap/mmapped.h"
#include "tests/support/heap_builder.h"

#include <string.h>

static struct mmapped_found find(const struct heap_builder *builder, const struct params *params,
								 struct chunk_table *chunks)
{
	struct mmapped_found found;
	anonymous_runs runs = { 0 };
	struct layout layout;

	*chunks = (struct chunk_table){ 0 };
	heap_builder_layout(builder, &layout);
	anonymous_find(&builder->regions, &runs);
	found = mmapped_find(&builder->image, &layout, &runs, params, chunks);
	chunk_table_seal(chunks);
	vec_deinit(&runs);
	return found;
}

static void assert_mmapped(const struct chunk_table *chunks, vaddr address, uint64_t bytes)
{
	struct chunk chunk;

	assert_true(chunk_table_find(chunks, address, &chunk));
	assert_int_equal(chunk.address, address);
	assert_int_equal(chunk.bytes, bytes);
	assert_int_equal(chunk.state, CHUNK_MMAPPED);
	assert_int_equal(chunk.arena, CHUNK_NO_ARENA);
}

static void every_form_is_found(void **state)
{
	static const struct {
		const char *class;
		unsigned word, first, tail;
	} rows[] = { { "A0", 8, 0, 0 }, { "C", 8, 0, 0 }, { "D", 8, 0, 16 },
				 { "A1", 4, 0, 0 }, { "C", 4, 8, 0 }, { "D", 4, 8, 8 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap_builder builder;
		struct chunk_table chunks;
		struct mmapped_found found;
		vaddr one, two;

		heap_builder_init(&builder, rows[i].class, rows[i].word);
		one = heap_builder_mmapped(&builder, 0x21000, 0);
		two = heap_builder_mmapped(&builder, 0x40000, 0);
		found = find(&builder, NULL, &chunks);
		assert_int_equal(found.count, 2);
		assert_int_equal(found.bytes, 0x61000);
		assert_mmapped(&chunks, one, 0x21000 - rows[i].first - rows[i].tail);
		assert_mmapped(&chunks, two, 0x40000 - rows[i].first - rows[i].tail);
		chunk_table_deinit(&chunks);
		heap_builder_deinit(&builder);
	}
}

/* memalign leaves a first header that is as good as the live one; the further one counts. */
static void the_header_of_memalign_wins(void **state)
{
	static const uint64_t before[] = { 48, 112, 1008, 4080, 65536 - 16 };

	(void)state;
	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
		struct heap_builder builder;
		struct chunk_table chunks;
		struct mmapped_found found;
		vaddr chunk;

		heap_builder_init(&builder, "C", 8);
		chunk = heap_builder_mmapped(&builder, 0x42000, before[i]);
		heap_builder_mmapped(&builder, 0x42000, 0);
		found = find(&builder, NULL, &chunks);
		assert_int_equal(found.count, 2);
		assert_mmapped(&chunks, chunk, 0x42000 - before[i]);
		chunk_table_deinit(&chunks);
		heap_builder_deinit(&builder);
	}
}

/* mremap changed the live header alone: the first one claims more than the mapping has. */
static void a_first_header_may_be_stale(void **state)
{
	struct heap_builder builder;
	struct chunk_table chunks;
	struct mmapped_found found;
	vaddr chunk;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	chunk = heap_builder_mmapped(&builder, 0x42000, 1008);
	heap_builder_set(&builder, chunk - 1008 + 8, 0x99000 | 2);
	found = find(&builder, NULL, &chunks);
	assert_int_equal(found.count, 1);
	assert_mmapped(&chunks, chunk, 0x42000 - 1008);
	chunk_table_deinit(&chunks);
	heap_builder_deinit(&builder);
}

/* What memalign aligned to more than a page is anywhere when mremap moved the mapping; then the
 * first header still fits, but claims less than there is. malloc_par tells that it does. */
static void a_mapping_that_moved_is_searched_page_by_page(void **state)
{
	static const uint64_t before[] = { 0x3000 - 16, 0x7000 - 16, 0x11000 - 16 };

	(void)state;
	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
		struct params params = { .n_mmaps = 1, .mmapped_mem = 0x92000 };
		struct heap_builder builder;
		struct chunk_table chunks;
		struct mmapped_found found;
		vaddr chunk;

		heap_builder_init(&builder, "C", 8);
		chunk = heap_builder_mmapped(&builder, 0x92000, before[i]);
		heap_builder_set(&builder, chunk - before[i] + 8, 0x22000 | 2);
		assert_int_equal(find(&builder, NULL, &chunks).bytes, 0x22000);
		chunk_table_deinit(&chunks);
		found = find(&builder, &params, &chunks);
		assert_int_equal(found.count, 1);
		assert_int_equal(found.bytes, 0x92000);
		assert_mmapped(&chunks, chunk, 0x92000 - before[i]);
		chunk_table_deinit(&chunks);
		heap_builder_deinit(&builder);
	}
}

/* A page of memory with the header of a chunk in it. */
static void add_header(struct heap_builder *builder, vaddr start, vaddr chunk, uint64_t size)
{
	vaddr page = chunk & ~(vaddr)0xfff;

	heap_builder_area(builder, (struct range){ page, page + 0x1000 }, REGION_ANONYMOUS);
	heap_builder_set(builder, chunk, chunk - start);
	heap_builder_set(builder, chunk + 8, size | 2);
}

/* Offsets in a block of chunks end at 4 GiB: the mapping is then more than one. */
static void a_chunk_may_be_anywhere_in_a_large_mapping(void **state)
{
	static const uint64_t before[] = { 0, UINT64_C(4) << 30, UINT64_C(8) << 30 };
	const uint64_t bytes = UINT64_C(12) << 30;

	(void)state;
	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
		vaddr start = 0x7f0000000000, chunk = start + before[i] - (before[i] ? 16 : 0);
		struct heap_builder builder;
		struct chunk_table chunks;
		uint64_t sum = 0;
		size_t region;

		heap_builder_init(&builder, "D", 8);
		add_header(&builder, start, start, bytes - 16);
		if (before[i])
			add_header(&builder, start, chunk, start + bytes - 16 - chunk);
		region = range_search(builder.regions.items.items, builder.regions.items.count,
							  sizeof(struct region), start);
		builder.regions.items.items[region].range.end = start + bytes;
		builder.regions.items.count = region + 1;
		assert_int_equal(find(&builder, NULL, &chunks).bytes, bytes);
		assert_mmapped(&chunks, chunk, start + bytes - 16 - chunk);
		for (size_t k = 0; k < chunks.blocks.count; k++)
			sum += range_bytes(chunks.blocks.items[k].range);
		assert_int_equal(sum, bytes);
		chunk_table_deinit(&chunks);
		heap_builder_deinit(&builder);
	}
}

static void what_only_looks_like_one_is_none(void **state)
{
	static const uint64_t sizes[] = { 0x21000, 0x21001, 0x21004, 0x21006,
									  0x21012, 2,       0x43002, UINT64_MAX - 0xffd };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct heap_builder builder;
		struct chunk_table chunks;
		vaddr chunk;

		heap_builder_init(&builder, "C", 8);
		chunk = heap_builder_mmapped(&builder, 0x42000, 0);
		heap_builder_set(&builder, chunk + 8, sizes[i]);
		assert_int_equal(find(&builder, NULL, &chunks).count, 0);
		chunk_table_deinit(&chunks);
		heap_builder_deinit(&builder);
	}
}

/* A chunk's content is not searched: a fake header inside it is the program's data. */
static void content_is_not_searched(void **state)
{
	struct heap_builder builder;
	struct chunk_table chunks;
	struct mmapped_found found;
	vaddr chunk;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	chunk = heap_builder_mmapped(&builder, 0x42000, 0);
	heap_builder_set(&builder, chunk + 0x10008, 0x2002);
	found = find(&builder, NULL, &chunks);
	assert_int_equal(found.count, 1);
	assert_mmapped(&chunks, chunk, 0x42000);
	chunk_table_deinit(&chunks);
	heap_builder_deinit(&builder);
}

/* A large reservation of which nothing was captured costs no time. */
static void reservations_are_stepped_over(void **state)
{
	struct heap_builder builder;
	struct chunk_table chunks;
	struct region *region;
	vaddr chunk;

	(void)state;
	heap_builder_init(&builder, "C", 8);
	chunk = heap_builder_mmapped(&builder, 0x42000, 0);
	region = vec_add(&builder.regions.items);
	*region = builder.regions.items.items[0];
	builder.regions.items.items[0].kind = REGION_ANONYMOUS;
	builder.regions.items.items[0].range = (struct range){ 0x10000000000, 0x500000000000 };
	assert_int_equal(find(&builder, NULL, &chunks).count, 1);
	assert_mmapped(&chunks, chunk, 0x42000);
	chunk_table_deinit(&chunks);
	heap_builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_found),
		cmocka_unit_test(the_header_of_memalign_wins),
		cmocka_unit_test(a_first_header_may_be_stale),
		cmocka_unit_test(a_mapping_that_moved_is_searched_page_by_page),
		cmocka_unit_test(a_chunk_may_be_anywhere_in_a_large_mapping),
		cmocka_unit_test(what_only_looks_like_one_is_none),
		cmocka_unit_test(content_is_not_searched),
		cmocka_unit_test(reservations_are_stepped_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
