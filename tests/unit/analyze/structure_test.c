#include "tests/unit/unit.h"

#include "analyze/rules/structure.h"
#include "tests/support/sketch.h"

#include <string.h>

/* A structure of 64 bytes in a chunk of 96, a chunk of 128 it points to, and a free one of 4096. */
struct scene {
	struct sketch sketch;
	struct structure structure;
	uint8_t *own, *other, *freed;
};

static void put(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, 8);
}

static int setup(void **state)
{
	static struct scene scene;

	scene = (struct scene){ 0 };
	sketch_init(&scene.sketch, 8192);
	scene.own = sketch_chunk(&scene.sketch, 96, CHUNK_IN_USE);
	scene.other = sketch_chunk(&scene.sketch, 128, CHUNK_IN_USE);
	scene.freed = sketch_chunk(&scene.sketch, 4096, CHUNK_BINNED);
	sketch_seal(&scene.sketch);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	structure_deinit(&scene->structure);
	sketch_deinit(&scene->sketch);
	return 0;
}

static struct structure_word *add(struct scene *scene, uint32_t at, enum word_type type)
{
	struct structure_word *word = vec_add(&scene->structure.words);

	*word = (struct structure_word){ .at = at, .type = type, .size = { 0, UINT64_MAX } };
	return word;
}

/* At the start of the scene's first chunk, of which so many bytes are there without a gap. */
static struct structure_place place_of(struct scene *scene, size_t readable)
{
	struct structure_place place = { .address = sketch_address(&scene->sketch, scene->own),
									 .bytes = span_make(scene->own, readable) };

	assert_true(chunk_table_find(&scene->sketch.chunks, place.address, &place.chunk));
	return place;
}

static bool matches_within(struct scene *scene, size_t readable)
{
	struct structure_tables tables = { &scene->sketch.image, NULL, &scene->sketch.chunks };
	struct structure_place place = place_of(scene, readable);

	return structure_match(&scene->structure, &tables, &place);
}

static bool matches(struct scene *scene)
{
	return matches_within(scene, 80);
}

static struct structure_claims claims_of(struct scene *scene)
{
	struct structure_tables tables = { &scene->sketch.image, NULL, &scene->sketch.chunks };
	struct structure_place place = place_of(scene, 80);
	struct structure_claims claims;

	structure_claim(&scene->structure, &tables, &place, &claims);
	return claims;
}

static void numbers_must_be_in_range(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 8, WORD_U16);

	word->has_in = true;
	word->in = (struct word_range){ 10, 20 };
	put(scene->own + 8, 0xabcd000a);
	assert_true(matches(scene));
	put(scene->own + 8, 21);
	assert_false(matches(scene));
	word->type = WORD_U8;
	put(scene->own + 8, 0xff14);
	assert_true(matches(scene));
}

static void every_word_must_be_in_the_chunk(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 72, WORD_U64);

	assert_true(matches(scene));
	word->at = 80; /* the next chunk's */
	assert_false(matches(scene));
	word->at = 76;
	assert_false(matches(scene));
}

/* Behind a gap words are read from the image, and only those that it has. */
static void words_behind_a_gap_are_read(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 40, WORD_U64);

	word->has_in = true;
	word->in = (struct word_range){ 7, 7 };
	put(scene->own + 40, 7);
	assert_true(matches_within(scene, 47));
	assert_true(matches_within(scene, 0));
	put(scene->own + 40, 8);
	assert_false(matches_within(scene, 0));
	put(scene->own + 40, 7);
	scene->sketch.image.pieces.count = 0;
	assert_false(matches_within(scene, 47));
	assert_true(matches_within(scene, 48));
}

static void pointers_are_followed(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 0, WORD_PTR);
	vaddr other = sketch_address(&scene->sketch, scene->other);

	word->to = WORD_TO_CHUNK_START;
	word->size = (struct word_range){ 100, 200 };
	put(scene->own, other);
	assert_true(matches(scene));
	put(scene->own, other + 16);
	assert_false(matches(scene));
	put(scene->own, sketch_address(&scene->sketch, scene->freed));
	assert_false(matches(scene)); /* not live */
	put(scene->own, sketch_address(&scene->sketch, scene->own));
	assert_false(matches(scene)); /* of another size */
	put(scene->own, 0);
	assert_false(matches(scene));
	word->null = true;
	assert_true(matches(scene));

	word->null = false;
	word->to = WORD_TO_MAPPED;
	put(scene->own, other + 3);
	assert_true(matches(scene));
	put(scene->own, 0x1000);
	assert_false(matches(scene));

	word->to = WORD_TO_FREE;
	put(scene->own, sketch_address(&scene->sketch, scene->freed) + 100);
	assert_true(matches(scene));
	put(scene->own, other);
	assert_false(matches(scene));
}

/* A program that puts a header of its own before what it hands out points behind it. */
static void chunks_may_have_a_header_of_their_user(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 0, WORD_PTR);
	vaddr other = sketch_address(&scene->sketch, scene->other);
	struct structure_claims claims;

	word->to = WORD_TO_CHUNK_START;
	word->header = 16;
	word->claim = true;
	put(scene->own, other + 16);
	assert_true(matches(scene));
	claims = claims_of(scene);
	assert_int_equal(claims.count, 1);
	assert_int_equal(claims.items[0].start, other - 16);
	assert_int_equal(claims.items[0].bytes, 128);
	put(scene->own, other);
	assert_false(matches(scene));
	assert_int_equal(claims_of(scene).count, 0);
	put(scene->own, 8); /* before any address */
	assert_false(matches(scene));
}

static void pointers_to_self_have_offsets(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 0, WORD_PTR);
	vaddr own = sketch_address(&scene->sketch, scene->own);

	word->to = WORD_TO_SELF;
	word->has_in = true;
	word->in = (struct word_range){ 8, 40 };
	put(scene->own, own + 8);
	assert_true(matches(scene));
	put(scene->own, own + 41);
	assert_false(matches(scene));
	put(scene->own, own - 8);
	assert_false(matches(scene));
	word->has_in = false;
	put(scene->own, own + 79);
	assert_true(matches(scene));
	put(scene->own, own + 80);
	assert_false(matches(scene));
}

static void pointers_to_the_end_may_miss_what_malloc_rounds_up(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 0, WORD_PTR);
	vaddr end = sketch_address(&scene->sketch, scene->own) + 80;

	word->to = WORD_TO_END;
	for (vaddr at = end - 40; at <= end + 8; at++) {
		put(scene->own, at);
		assert_int_equal(matches(scene), at >= end - 31 && at <= end);
	}
	put(scene->own, 0);
	assert_false(matches(scene));
}

static void a_pointer_may_have_to_point_back(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 0, WORD_PTR);
	vaddr own = sketch_address(&scene->sketch, scene->own);

	word->to = WORD_TO_MAPPED;
	word->has_back = true;
	word->back = 56;
	put(scene->own, sketch_address(&scene->sketch, scene->other));
	assert_false(matches(scene));
	put(scene->other + 56, own);
	assert_true(matches(scene));
}

static void chunks_and_freed_bytes_are_claimed(void **state)
{
	struct scene *scene = *state;
	struct structure_word *word = add(scene, 0, WORD_PTR);
	vaddr freed = sketch_address(&scene->sketch, scene->freed);
	struct structure_claims claims;

	word->to = WORD_TO_MAPPED;
	word->claim = true;
	word->size = (struct word_range){ 128, 144 };
	put(scene->own, sketch_address(&scene->sketch, scene->other));
	claims = claims_of(scene);
	assert_int_equal(claims.count, 1);
	assert_int_equal(claims.items[0].bytes, 128);
	assert_int_equal(claims.items[0].start, sketch_address(&scene->sketch, scene->other) - 16);
	put(scene->own, sketch_address(&scene->sketch, scene->other) + 8);
	assert_int_equal(claims_of(scene).count, 0); /* inside a chunk: that one is somebody else's */

	word->claim_bytes = 1024;
	put(scene->own, freed + 64);
	claims = claims_of(scene);
	assert_int_equal(claims.count, 1);
	assert_int_equal(claims.items[0].start, freed + 64);
	assert_int_equal(claims.items[0].bytes, 1024);
	put(scene->own, freed + 4096 - 16 - 1023);
	assert_int_equal(claims_of(scene).count, 0); /* reaches beyond the free chunk */
	put(scene->own, sketch_address(&scene->sketch, scene->other));
	assert_int_equal(claims_of(scene).count, 0); /* in use again */
	put(scene->own, 0);
	assert_int_equal(claims_of(scene).count, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(numbers_must_be_in_range),
		TEST(every_word_must_be_in_the_chunk),
		TEST(words_behind_a_gap_are_read),
		TEST(pointers_are_followed),
		TEST(chunks_may_have_a_header_of_their_user),
		TEST(pointers_to_self_have_offsets),
		TEST(pointers_to_the_end_may_miss_what_malloc_rounds_up),
		TEST(a_pointer_may_have_to_point_back),
		TEST(chunks_and_freed_bytes_are_claimed),
	};

	return cmocka_run_group_tests_name("structure", tests, NULL, NULL);
}
