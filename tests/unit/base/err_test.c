#include "tests/unit/unit.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

static void setting_gives_false_and_keeps_the_text(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_false(err_set(&err, ERR_FORMAT, "bad %s at 0x%x", "note", 16));
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_string_equal(err.what, "bad note at 0x10");
	assert_false(err_set(NULL, ERR_FORMAT, "dropped"));
}

static void system_errors_get_their_kind(void **state)
{
	static const struct {
		int sys;
		enum err_kind kind;
	} rows[] = {
		{ ENOENT, ERR_NOT_FOUND },  { ESRCH, ERR_GONE },        { EPERM, ERR_PERMISSION },
		{ EACCES, ERR_PERMISSION }, { ENOSPC, ERR_NO_SPACE },   { EDQUOT, ERR_NO_SPACE },
		{ EPIPE, ERR_CLOSED },      { ECONNRESET, ERR_CLOSED }, { EEXIST, ERR_EXISTS },
		{ EIO, ERR_SYSTEM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };

		err_sys(&err, rows[i].sys, "cannot do it");
		assert_int_equal(err.kind, rows[i].kind);
		assert_int_equal(err.sys, rows[i].sys);
		assert_non_null(strstr(err.what, strerror(rows[i].sys)));
	}
}

static void a_prefix_goes_before_and_a_hint_stays(void **state)
{
	struct err err = { 0 };

	(void)state;
	err_set(&err, ERR_LIMIT, "too many notes");
	err_hint(&err, "try %d", 1);
	err_prefix(&err, "file %s", "x.core");
	assert_string_equal(err.what, "file x.core: too many notes");
	assert_string_equal(err.hint, "try 1");
}

static void long_texts_are_cut_not_overrun(void **state)
{
	struct err err = { 0 };
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	err_sys(&err, ENOENT, "%s", text);
	err_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.what), sizeof err.what - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_gives_false_and_keeps_the_text),
		cmocka_unit_test(system_errors_get_their_kind),
		cmocka_unit_test(a_prefix_goes_before_and_a_hint_stays),
		cmocka_unit_test(long_texts_are_cut_not_overrun),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
