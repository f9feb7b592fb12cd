#include "tests/unit/unit.h"

#include "analyze/memory/image.h"
#include "tests/support/core_builder.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
	struct core core;
	struct image image;
};

/* 0x1000 "01234567" touches 0x1008 "89abcdef" in other file bytes; 0x3000 stands alone. */
static void open_image(struct fixture *fixture, uint16_t machine)
{
	struct core_builder builder;
	struct err err = { 0 };

	core_builder_init(&builder, machine);
	core_builder_segment(&builder, 0x1000, "01234567", 8, PF_R);
	core_builder_segment(&builder, 0x1008, "89abcdef", 8, PF_R | PF_W);
	core_builder_segment_part(&builder, 0x3000, 0x1000, "\1\2\3\4\5\6\7\x88", 8, PF_R | PF_W);
	if (!core_builder_open(&builder, &fixture->core, &err))
		fail_msg("%s", err.what);
	core_builder_deinit(&builder);
	image_init(&fixture->image, &fixture->core);
}

static void close_image(struct fixture *fixture)
{
	image_deinit(&fixture->image);
	core_close(&fixture->core);
}

static void pieces_are_found(void **state)
{
	struct fixture fixture;

	(void)state;
	open_image(&fixture, EM_X86_64);
	assert_int_equal(fixture.image.word, 8);
	assert_int_equal(fixture.image.pieces.count, 3);
	assert_false(fixture.image.pieces.items[0].writable);
	assert_true(fixture.image.pieces.items[1].writable);
	assert_int_equal(image_find(&fixture.image, 0), 0);
	assert_int_equal(image_find(&fixture.image, 0x1007), 0);
	assert_int_equal(image_find(&fixture.image, 0x1008), 1);
	assert_int_equal(image_find(&fixture.image, 0x2000), 2);
	assert_int_equal(image_find(&fixture.image, 0x3008), 3);
	close_image(&fixture);
}

static void bytes_end_where_the_capture_does(void **state)
{
	struct fixture fixture;
	char text[32] = { 0 };

	(void)state;
	open_image(&fixture, EM_X86_64);
	assert_memory_equal(image_at(&fixture.image, 0x1002, 6), "234567", 6);
	assert_null(image_at(&fixture.image, 0x1002, 7));
	assert_null(image_at(&fixture.image, 0x1002, UINT64_MAX));
	assert_null(image_at(&fixture.image, 0x2000, 1));
	assert_int_equal(image_span(&fixture.image, 0x1004, 100).size, 4);
	assert_int_equal(image_span(&fixture.image, UINT64_MAX, 100).size, 0);
	assert_int_equal(image_copy(&fixture.image, 0x1006, text, sizeof text), 10);
	assert_string_equal(text, "6789abcdef");
	assert_true(image_has(&fixture.image, 0x1000, 16));
	assert_false(image_has(&fixture.image, 0x1000, 17));
	assert_false(image_has(&fixture.image, 0x0fff, 2));
	assert_true(image_has(&fixture.image, 0x5000, 0));
	close_image(&fixture);
}

static void numbers_are_little_endian_and_cross_pieces(void **state)
{
	struct fixture fixture;
	uint64_t word = 0;
	uint32_t u32;
	uint16_t u16;

	(void)state;
	open_image(&fixture, EM_X86_64);
	assert_true(image_word(&fixture.image, 0x3000, &word));
	assert_true(word == UINT64_C(0x8807060504030201));
	assert_false(image_word(&fixture.image, 0x3001, &word));
	assert_true(image_u32(&fixture.image, 0x3004, &u32));
	assert_true(u32 == 0x88070605);
	assert_false(image_u32(&fixture.image, 0x3005, &u32));
	assert_true(image_u16(&fixture.image, 0x3006, &u16));
	assert_int_equal(u16, 0x8807);
	assert_false(image_u16(&fixture.image, 0x3007, &u16));
	assert_true(image_u32(&fixture.image, 0x1006, &u32));
	assert_memory_equal(&u32, "6789", 4);
	close_image(&fixture);
}

static void words_of_a_32_bit_target_are_zero_extended(void **state)
{
	struct fixture fixture;
	uint64_t word = UINT64_MAX;

	(void)state;
	open_image(&fixture, EM_386);
	assert_true(image_word(&fixture.image, 0x3004, &word));
	assert_true(word == 0x88070605);
	assert_false(image_word(&fixture.image, 0x3005, &word));
	close_image(&fixture);
}

/* A writer may split one run of the file into several headers. */
static void neighbours_in_target_and_file_become_one_piece(void **state)
{
	struct core_builder builder;
	struct fixture fixture;
	struct err err = { 0 };

	(void)state;
	core_builder_init(&builder, EM_X86_64);
	core_builder_segment(&builder, 0x1000, NULL, 4096, PF_R);
	core_builder_segment(&builder, 0x2000, NULL, 4096, PF_R);
	core_builder_segment(&builder, 0x3000, NULL, 4096, PF_R | PF_W);
	/* Neighbours in the target only. */
	core_builder_segment(&builder, 0x8000, "left", 4, PF_R);
	core_builder_segment(&builder, 0x8004, "right", 5, PF_R);
	assert_true(core_builder_open(&builder, &fixture.core, &err));
	image_init(&fixture.image, &fixture.core);
	assert_int_equal(fixture.image.pieces.count, 4);
	assert_non_null(image_at(&fixture.image, 0x1ff0, 0x20));
	assert_null(image_at(&fixture.image, 0x2ff0, 0x20));
	assert_memory_equal(image_at(&fixture.image, 0x8000, 4), "left", 4);
	assert_memory_equal(image_at(&fixture.image, 0x8004, 5), "right", 5);
	assert_null(image_at(&fixture.image, 0x8000, 9));
	close_image(&fixture);
	core_builder_deinit(&builder);
}

static void an_image_of_nothing_answers(void **state)
{
	struct core empty = { .word = 8 };
	struct image image;
	uint64_t word;

	(void)state;
	image_init(&image, &empty);
	assert_false(image_word(&image, 0x1000, &word));
	assert_int_equal(image_find(&image, 0), 0);
	image_deinit(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_found),
		cmocka_unit_test(bytes_end_where_the_capture_does),
		cmocka_unit_test(numbers_are_little_endian_and_cross_pieces),
		cmocka_unit_test(words_of_a_32_bit_target_are_zero_extended),
		cmocka_unit_test(neighbours_in_target_and_file_become_one_piece),
		cmocka_unit_test(an_image_of_nothing_answers),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
