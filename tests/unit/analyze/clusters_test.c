#include "tests/unit/unit.h"

#include "analyze/attribute/clusters.h"
#include "analyze/attribute/shape.h"
#include "tests/support/attribute_builder.h"

#include <string.h>

static void put(uint8_t *at, const uint64_t words[4])
{
	memcpy(at, words, 32);
}

/* Three live chunks of one shape, one of another, one free, one with a hit, one of zeros. */
static void live_chunks_without_hits_are_clustered(void **state)
{
	enum { COUNT = 7, BYTES = 64 };
	static uint8_t bytes[COUNT * BYTES];
	struct chunk chunks[COUNT];
	struct findings findings = { 0 };
	struct report_content content = { 0 };
	struct attribute_builder builder;
	struct pool pool = { 0 };

	(void)state;
	attribute_builder_init(&builder);
	for (unsigned i = 0; i < COUNT; i++) {
		chunks[i] = (struct chunk){ .bytes = BYTES, .state = i == 3 ? CHUNK_BINNED : CHUNK_IN_USE };
		put(bytes + i * BYTES + 16, (uint64_t[]){ 0x10000, 7, 0x4847464544434241, 0x10020 });
	}
	put(bytes + 5 * BYTES + 16, (uint64_t[]){ 0x7473657571657200, UINT64_MAX, 3, 4 });
	memset(bytes + 6 * BYTES, 0, BYTES);
	attribute_builder_region(&builder, (struct range){ 0x10000, 0x11000 }, REGION_BRK, 4096);
	attribute_builder_arena(&builder, 0x10000, chunks, COUNT);
	attribute_builder_piece(&builder, (struct range){ 0x10000, 0x10000 + sizeof bytes }, bytes);
	chunk_table_seal(&builder.heap.chunks);
	*vec_add(&findings.hits) =
		(struct hit){ .start = 0x10000 + 4 * BYTES + 20, .bytes = 4, .chunk = 0x10000 + 4 * BYTES };
	clusters_fill(&content, &builder.heap.chunks, &findings, &builder.image, &builder.regions, 2,
				  &pool);
	assert_int_equal(content.unattributed_chunks, 5);
	assert_int_equal(content.unattributed_bytes, 5 * BYTES);
	assert_int_equal(content.clusters.count, 3);
	assert_int_equal(content.clusters.items[0].chunks, 3);
	assert_int_equal(content.clusters.items[0].size, BYTES);
	assert_string_equal(content.clusters.items[0].prefix, "ptr int text ptr");
	assert_string_equal(content.clusters.items[0].kind, "pointers");
	assert_string_equal(content.clusters.items[1].kind, "zeros");
	assert_string_equal(content.clusters.items[2].prefix, "data data int int");
	assert_string_equal(content.clusters.items[2].kind, "binary");
	vec_deinit(&content.clusters);
	vec_deinit(&findings.hits);
	pool_deinit(&pool);
	attribute_builder_deinit(&builder);
}

static void what_was_not_captured_has_no_shape(void **state)
{
	static const struct chunk chunk = { .bytes = 64, .state = CHUNK_IN_USE };
	struct findings findings = { 0 };
	struct report_content content = { 0 };
	struct attribute_builder builder;
	struct pool pool = { 0 };

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_arena(&builder, 0x10000, &chunk, 1);
	clusters_fill(&content, &builder.heap.chunks, &findings, &builder.image, &builder.regions, 1,
				  &pool);
	assert_string_equal(content.clusters.items[0].prefix, "? ? ? ?");
	assert_string_equal(content.clusters.items[0].kind, "unknown");
	vec_deinit(&content.clusters);
	pool_deinit(&pool);
	attribute_builder_deinit(&builder);
}

static void small_chunks_and_small_words(void **state)
{
	static const uint8_t text[] = "some text that is long enough";
	struct regions regions = { 0 };
	struct shape_reader wide = shape_reader_make(&regions, 8);
	struct shape_reader narrow = shape_reader_make(&regions, 4);
	struct pool pool = { 0 };

	(void)state;
	assert_string_equal(shape_text(shape_of(&wide, text, 24), &pool), "text text text");
	assert_string_equal(shape_kind(shape_of(&wide, text, 24)), "text");
	assert_string_equal(shape_text(shape_of(&narrow, text, 8), &pool), "text text");
	assert_string_equal(shape_text(shape_of(&wide, text, 7), &pool), "");
	assert_string_equal(shape_kind(0), "unknown");
	/* "abc" and then NULs is text, "a" is a number */
	assert_string_equal(shape_text(shape_of(&wide, (const uint8_t *)"abc\0\0\0\0\0", 8), &pool),
						"text");
	assert_string_equal(shape_text(shape_of(&wide, (const uint8_t *)"a\0\0\0\0\0\0\0", 8), &pool),
						"int");
	pool_deinit(&pool);
}

/* Six letters that are the address of mapped memory are that; four may be either, and are text. */
static void an_address_of_letters_is_a_pointer(void **state)
{
	static const uint64_t word = UINT64_C(0x564341424344);
	struct attribute_builder builder;
	struct shape_reader wide, narrow;

	(void)state;
	attribute_builder_init(&builder);
	attribute_builder_region(&builder, (struct range){ 0x41424000, 0x41425000 }, REGION_BRK, 4096);
	attribute_builder_region(&builder, (struct range){ 0x564341424000, 0x564341425000 }, REGION_BRK,
							 4096);
	wide = shape_reader_make(&builder.regions, 8);
	narrow = shape_reader_make(&builder.regions, 4);
	assert_int_equal(shape_word(&wide, (const uint8_t *)&word), WORD_POINTER);
	assert_int_equal(shape_word(&wide, (const uint8_t *)"DCBAVV\0\0"), WORD_TEXT);
	assert_int_equal(shape_word(&narrow, (const uint8_t *)"DCBA"), WORD_TEXT);
	attribute_builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_chunks_without_hits_are_clustered),
		cmocka_unit_test(what_was_not_captured_has_no_shape),
		cmocka_unit_test(small_chunks_and_small_words),
		cmocka_unit_test(an_address_of_letters_is_a_pointer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
