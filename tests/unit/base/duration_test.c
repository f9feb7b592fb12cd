#include "tests/unit/unit.h"

#include "base/duration.h"

#include <string.h>

static void times_are_read_with_their_units(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "100ms", 100 },    { "5s", 5000 },     { "10m", 600000 },
		{ "2h", 7200000 },   { "1d", 86400000 }, { "1.5s", 1500 },
		{ "0.5h", 1800000 }, { "0s", 0 },        { "90000d", INT64_C(7776000000000) },
	};
	struct err err = { 0 };
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(duration_parse(rows[i].text, &ns, &err));
		assert_true(ns == rows[i].ms * DURATION_MS);
	}
	assert_int_equal(err.kind, ERR_NONE);
}

static void a_bare_number_is_told_its_unit(void **state)
{
	struct err err = { 0 };
	int64_t ns;

	(void)state;
	assert_false(duration_parse("10", &ns, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_string_equal(err.what, "'10' has no unit");
	assert_non_null(strstr(err.hint, "10s are seconds, 10m minutes"));
}

static void nonsense_times_are_refused(void **state)
{
	static const char *const rows[] = { "",     "s",       "-5s",  "+5s", "5x",   "5sec",
										"5 s",  " 5s",     "1e3s", "5S",  "0x5s", "1.2.3s",
										"nans", "999999d", "5ss",  ".5s", "5m3s" };
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };

		if (duration_parse(rows[i], &ns, &err) || err.kind != ERR_USAGE || !err.hint[0])
			fail_msg("'%s' was not refused as a time", rows[i]);
	}
}

static void times_are_written_in_two_units_at_most(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0 ms" },           { 999, "999 ms" },         { 1000, "1 s" },
		{ 1500, "1.5 s" },       { 59999, "59.9 s" },       { 60000, "1 min" },
		{ 61000, "1 min 1 s" },  { 5400000, "1 h 30 min" }, { 7200000, "2 h" },
		{ 90061001, "1 d 1 h" }, { 86400000, "1 d" },
	};
	char text[DURATION_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(duration_format(rows[i].ms * DURATION_MS, text), rows[i].text);
	assert_string_equal(duration_format(INT64_MAX, text), "106751 d 23 h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_with_their_units),
		cmocka_unit_test(a_bare_number_is_told_its_unit),
		cmocka_unit_test(nonsense_times_are_refused),
		cmocka_unit_test(times_are_written_in_two_units_at_most),
	};

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
