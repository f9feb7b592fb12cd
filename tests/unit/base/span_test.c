#include "tests/unit/unit.h"

#include "base/span.h"

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 'a', 'b', 0, 'c' };

static void getters_read_both_byte_orders(void **state)
{
	struct cursor little = cursor_make(span_make(bytes, sizeof bytes), false);
	struct cursor big = cursor_make(span_make(bytes, sizeof bytes), true);

	(void)state;
	assert_int_equal(cursor_u32(&little), 0x04030201);
	assert_int_equal(cursor_u32(&big), 0x01020304);
	assert_int_equal(cursor_u16(&little), 0x0605);
	assert_int_equal(cursor_u8(&little), 7);
	little.at = 0;
	assert_true(cursor_u64(&little) == UINT64_C(0x0807060504030201));
	big.at = 0;
	assert_true(cursor_word(&big, 8) == UINT64_C(0x0102030405060708));
}

static void failure_sticks_and_reads_zero(void **state)
{
	struct cursor cursor = cursor_make(span_make(bytes, 3), false);

	(void)state;
	assert_int_equal(cursor_u32(&cursor), 0);
	assert_false(cursor_ok(&cursor));
	assert_int_equal(cursor_u8(&cursor), 0);
	assert_int_equal(cursor_left(&cursor), 0);
}

static void huge_sizes_do_not_wrap(void **state)
{
	struct cursor cursor = cursor_make(span_make(bytes, sizeof bytes), false);

	(void)state;
	cursor_skip(&cursor, 4);
	assert_null(cursor_bytes(&cursor, SIZE_MAX - 2).data);
	assert_false(cursor_ok(&cursor));
	assert_int_equal(span_part(span_make(bytes, 4), SIZE_MAX, SIZE_MAX).size, 0);
	assert_int_equal(span_part(span_make(bytes, 4), 1, SIZE_MAX).size, 3);
}

static void strings_need_their_terminator(void **state)
{
	struct cursor cursor = cursor_make(span_make(bytes + 8, 4), false);
	struct span text = cursor_cstring(&cursor);

	(void)state;
	assert_true(span_equal(text, span_string("ab")));
	assert_null(cursor_cstring(&cursor).data);
	assert_false(cursor_ok(&cursor));
}

static void lines_end_with_newline_or_the_end(void **state)
{
	struct cursor cursor = cursor_make(span_string("one\n\nlast"), false);
	struct span line;

	(void)state;
	assert_true(cursor_line(&cursor, &line));
	assert_true(span_equal(line, span_string("one")));
	assert_true(cursor_line(&cursor, &line));
	assert_int_equal(line.size, 0);
	assert_true(cursor_line(&cursor, &line));
	assert_true(span_equal(line, span_string("last")));
	assert_false(cursor_line(&cursor, &line));
}

static void alignment_counts_from_the_start(void **state)
{
	struct cursor cursor = cursor_make(span_make(bytes, 10), false);

	(void)state;
	cursor_skip(&cursor, 5);
	cursor_align(&cursor, 4);
	assert_int_equal(cursor.at, 8);
	cursor_align(&cursor, 8);
	assert_int_equal(cursor.at, 8);
	cursor_skip(&cursor, 1);
	cursor_align(&cursor, 8);
	assert_false(cursor_ok(&cursor));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(getters_read_both_byte_orders),
		cmocka_unit_test(failure_sticks_and_reads_zero),
		cmocka_unit_test(huge_sizes_do_not_wrap),
		cmocka_unit_test(strings_need_their_terminator),
		cmocka_unit_test(lines_end_with_newline_or_the_end),
		cmocka_unit_test(alignment_counts_from_the_start),
	};

	return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
