#include "tests/unit/unit.h"

#include "base/text.h"

#include <stdlib.h>

static void check_escape(const char *bytes, size_t size, const char *wanted)
{
	struct strbuf out = { 0 };

	text_escape(span_make(bytes, size), &out);
	assert_string_equal(strbuf_text(&out), wanted);
	strbuf_deinit(&out);
}

#define CHECK_ESCAPE(literal, wanted) check_escape(literal, sizeof literal - 1, wanted)

static void printable_text_passes(void **state)
{
	(void)state;
	CHECK_ESCAPE("plain text 42", "plain text 42");
	CHECK_ESCAPE("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
				 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7");
}

static void control_bytes_never_pass(void **state)
{
	(void)state;
	CHECK_ESCAPE("a\nb\tc\rd\\", "a\\nb\\tc\\rd\\\\");
	CHECK_ESCAPE("\x1b[31m", "\\x1b[31m");
	CHECK_ESCAPE("a\0b", "a\\x00b");
	CHECK_ESCAPE("\x7f\xc2\x85", "\\x7f\\xc2\\x85");
	CHECK_ESCAPE("n\xe2\x80\xaegpj.exe", "n\\xe2\\x80\\xaegpj.exe");
}

static void invalid_utf8_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	CHECK_ESCAPE("\xc0\x80", "\\xc0\\x80");                   /* overlong NUL */
	CHECK_ESCAPE("\xe0\x80\x80", "\\xe0\\x80\\x80");          /* overlong */
	CHECK_ESCAPE("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
	CHECK_ESCAPE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
	CHECK_ESCAPE("\xe2\x82", "\\xe2\\x82");                   /* cut short */
	CHECK_ESCAPE("\xff", "\\xff");
}

/* Whatever goes in, printable valid UTF-8 comes out. */
static void random_bytes_come_out_printable(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 2000; round++) {
		uint8_t bytes[32];
		struct strbuf out = { 0 };
		struct span left;

		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)rand();
		text_escape(span_make(bytes, sizeof bytes), &out);
		for (left = strbuf_span(&out); left.size;) {
			size_t length = text_utf8_length(left);

			assert_true(length > 0);
			assert_true(left.data[0] >= 0x20 && left.data[0] != 0x7f);
			left = span_part(left, length, left.size);
		}
		strbuf_deinit(&out);
	}
}

static void the_nearest_name_is_suggested(void **state)
{
	static const char *const names[] = { "keywords", "pattern", "priority", NULL };

	(void)state;
	assert_string_equal(text_nearest("keyword", names), "keywords");
	assert_string_equal(text_nearest("patern", names), "pattern");
	assert_null(text_nearest("zzz", names));
	assert_string_equal(text_nearest("tip", (const char *const[]){ "binned", "top", NULL }), "top");
	assert_null(text_nearest("foo", (const char *const[]){ "top", "binned", NULL }));
}

static void words_of_text_are_told(void **state)
{
	(void)state;
	assert_true(text_is_word(0x636261));           /* abc */
	assert_true(text_is_word(0x6867666564636261)); /* abcdefgh */
	assert_true(text_is_word(0x00620061));         /* ab in UTF-16 */
	assert_true(text_is_word(0x0064006300620061)); /* abcd in UTF-16 */
	assert_true(text_is_word(0x0000006200000061)); /* ab in UTF-32 */
	assert_false(text_is_word(0x6261));            /* ab, or a number */
	assert_false(text_is_word(0x61));
	assert_false(text_is_word(0));
	assert_false(text_is_word(0x63006261));
	assert_false(text_is_word(0x00007f0000620061));
}

static void columns_count_code_points(void **state)
{
	(void)state;
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("gr\xc3\xbc\xc3\x9f"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable_text_passes),
		cmocka_unit_test(control_bytes_never_pass),
		cmocka_unit_test(invalid_utf8_is_escaped_byte_by_byte),
		cmocka_unit_test(random_bytes_come_out_printable),
		cmocka_unit_test(the_nearest_name_is_suggested),
		cmocka_unit_test(words_of_text_are_told),
		cmocka_unit_test(columns_count_code_points),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
