#include "tests/unit/unit.h"

#include "base/size.h"

static void bytes_are_printed_with_three_digits(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.00 KiB" },
		{ 1536, "1.50 KiB" },
		{ 10 * 1024, "10.0 KiB" },
		{ 100 * 1024, "100 KiB" },
		{ 1024 * 1024 - 1, "1.00 MiB" },
		{ UINT64_C(2221211648), "2.07 GiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char text[SIZE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(size_format(rows[i].bytes, text), rows[i].text);
}

static void sizes_are_read_with_their_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "1.5G", UINT64_C(1610612736) },
		{ "2GiB", UINT64_C(2147483648) },
		{ "10B", 10 },
		{ "1MB", 1048576 },
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(size_parse(rows[i].text, &bytes));
		assert_true(bytes == rows[i].bytes);
	}
}

static void nonsense_sizes_are_refused(void **state)
{
	static const char *const rows[] = { "",    "K",    "-1",     "1x",  "1KK", " 1",
										"1 K", "0x10", "99999E", "inf", "nan", "1e3" };
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_false(size_parse(rows[i], &bytes));
}

static void counts_get_separators(void **state)
{
	char text[SIZE_TEXT + 8];

	(void)state;
	assert_string_equal(count_format(0, text), "0");
	assert_string_equal(count_format(999, text), "999");
	assert_string_equal(count_format(1000, text), "1,000");
	assert_string_equal(count_format(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

static void one_thing_is_singular(void **state)
{
	char text[COUNT_TEXT];

	(void)state;
	assert_string_equal(count_of(1, "chunk", text), "1 chunk");
	assert_string_equal(count_of(0, "chunk", text), "0 chunks");
	assert_string_equal(count_of(12345, "live chunk", text), "12,345 live chunks");
	assert_string_equal(count_of(UINT64_MAX, "noun of forty bytes, ten of them too many", text),
						"18,446,744,073,709,551,615 noun of forty bytes, ten of ths");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_printed_with_three_digits),
		cmocka_unit_test(sizes_are_read_with_their_units),
		cmocka_unit_test(nonsense_sizes_are_refused),
		cmocka_unit_test(counts_get_separators),
		cmocka_unit_test(one_thing_is_singular),
	};

	return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
