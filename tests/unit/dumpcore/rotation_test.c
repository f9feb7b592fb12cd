#include "tests/unit/unit.h"

#include "base/strbuf.h"
#include "dumpcore/rotation.h"
#include "tests/support/fake_proc.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD "app.7.20260101T000000Z.core.zst"
#define MIDDLE "app.4711.20260102T000000Z.core.zst"
#define NEW "app.9.20260102T000001Z.core.zst"

/* A folder of archives; fake_proc makes and removes it. */
static struct fake_proc folder;

static int make(void **state)
{
	(void)state;
	fake_proc_init(&folder);
	fake_proc_file(&folder, MIDDLE, "22222");
	fake_proc_file(&folder, NEW, "333");
	fake_proc_file(&folder, OLD, "1111111");
	return 0;
}

static int drop(void **state)
{
	(void)state;
	fake_proc_deinit(&folder);
	return 0;
}

static bool is_there(const char *name)
{
	char path[256];
	struct stat status;

	snprintf(path, sizeof path, "%s/%s", folder.root, name);
	return lstat(path, &status) == 0;
}

/* Applies; gives the names that were removed, with a blank behind each. */
static const char *apply(struct rotation rotation, unsigned incoming, const char *spare)
{
	static char text[1024];
	rotation_files removed = { 0 };
	struct err err = { 0 };

	assert_true(rotation_apply(&rotation, folder.root, "app", incoming, spare, &removed, &err));
	text[0] = '\0';
	for (size_t i = 0; i < removed.count; i++) {
		strcat(strcat(text, removed.items[i].name), " ");
		assert_false(is_there(removed.items[i].name));
	}
	rotation_files_deinit(&removed);
	return text;
}

static void without_limits_nothing_goes(void **state)
{
	(void)state;
	assert_string_equal(apply((struct rotation){ 0 }, 1, NULL), "");
	assert_string_equal(apply((struct rotation){ .keep = 4 }, 1, NULL), "");
	assert_string_equal(apply((struct rotation){ .keep_bytes = 15 }, 1, NULL), "");
}

static void the_oldest_make_room(void **state)
{
	(void)state;
	assert_string_equal(apply((struct rotation){ .keep = 3 }, 1, NULL), OLD " ");
	assert_string_equal(apply((struct rotation){ .keep = 3 }, 1, NULL), "");
	assert_true(is_there(MIDDLE) && is_there(NEW));
}

static void sizes_count_together(void **state)
{
	(void)state;
	assert_string_equal(apply((struct rotation){ .keep_bytes = 14 }, 1, NULL), OLD " ");
	assert_string_equal(apply((struct rotation){ .keep_bytes = 7 }, 1, NULL), MIDDLE " ");
}

/* Until the next one is whole there is always one left. */
static void the_newest_stays(void **state)
{
	(void)state;
	assert_string_equal(apply((struct rotation){ .keep = 1 }, 1, NULL), OLD " " MIDDLE " ");
	assert_string_equal(apply((struct rotation){ .keep = 1, .keep_bytes = 1 }, 1, NULL), "");
	assert_true(is_there(NEW));
}

/* The one just taken stays, also where the clock was set back. */
static void the_spared_stays(void **state)
{
	(void)state;
	assert_string_equal(apply((struct rotation){ .keep = 1 }, 0, OLD), MIDDLE " ");
	assert_true(is_there(OLD) && is_there(NEW));
}

static const char *const others[] = {
	"app.7.20250101T000000Z.core", /* not compressed: not our name */
	"app.7.20250101T000000Z.core.zst.bak",
	"app.7.20250101T000000Z.core.zst.partial-9",
	"app.07.20250101T000000Z.core.zst",
	"app.-7.20250101T000000Z.core.zst",
	"app.7.20251301T000000Z.core.zst",
	"app.7.20250101T250000Z.core.zst",
	"app.7.20250230T000000Z.core.zst",
	"app.7.2025101T000000Z.core.zst",
	"app.7.20250101T000000Z.core.zst ",
	"app. 7.20250101T000000Z.core.zst",
	"app.x.20250101T000000Z.core.zst",
	"app.7.7.20250101T000000Z.core.zst",
	"apps.7.20250101T000000Z.core.zst",
	"ap.7.20250101T000000Z.core.zst",
	"app-7.20250101T000000Z.core.zst",
	"App.7.20250101T000000Z.core.zst",
	"app.0.20250101T000000Z.core.zst",
	"app",
	"app.",
	"notes.txt",
	"app.99999999999.20250101T000000Z.core.zst",
};

static void other_names_survive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		fake_proc_file(&folder, others[i], "mine");
	assert_string_equal(apply((struct rotation){ .keep = 1, .keep_bytes = 1 }, 1, NULL),
						OLD " " MIDDLE " ");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (!is_there(others[i]))
			fail_msg("'%s' was removed", others[i]);
}

static void only_regular_files_go(void **state)
{
	(void)state;
	fake_proc_file(&folder, "precious", "mine");
	fake_proc_link(&folder, "app.1.20250101T000000Z.core.zst", "precious");
	fake_proc_link(&folder, "app.2.20250101T000000Z.core.zst", "nowhere");
	fake_proc_file(&folder, "app.3.20250101T000000Z.core.zst/inner", "mine");
	assert_string_equal(apply((struct rotation){ .keep = 1 }, 1, NULL), OLD " " MIDDLE " ");
	assert_true(is_there("precious"));
	assert_true(is_there("app.1.20250101T000000Z.core.zst"));
	assert_true(is_there("app.2.20250101T000000Z.core.zst"));
	assert_true(is_there("app.3.20250101T000000Z.core.zst/inner"));
}

static void other_users_files_survive(void **state)
{
	char path[256];

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root gives a file away */
	snprintf(path, sizeof path, "%s/" OLD, folder.root);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_string_equal(apply((struct rotation){ .keep = 1 }, 1, NULL), MIDDLE " ");
	assert_true(is_there(OLD));
}

/* A name that output made safe is still that program's. */
static void odd_program_names_are_understood(void **state)
{
	static const char name[] = "we_ird_x.7.20250101T000000Z.core.zst";
	struct rotation one = { .keep = 1 };
	rotation_files removed = { 0 };

	(void)state;
	fake_proc_file(&folder, name, "1");
	fake_proc_file(&folder, "we_ird_x.7.20250101T000001Z.core.zst", "1");
	assert_true(rotation_apply(&one, folder.root, "we/ird x", 1, NULL, &removed, NULL));
	assert_int_equal(removed.count, 1);
	assert_string_equal(removed.items[0].name, name);
	rotation_files_deinit(&removed);
}

static void a_missing_folder_is_an_error(void **state)
{
	struct rotation one = { .keep = 1 };
	rotation_files removed = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_false(rotation_apply(&one, "/no/such/folder", "app", 1, NULL, &removed, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_limits_nothing_goes, make, drop),
		cmocka_unit_test_setup_teardown(the_oldest_make_room, make, drop),
		cmocka_unit_test_setup_teardown(sizes_count_together, make, drop),
		cmocka_unit_test_setup_teardown(the_newest_stays, make, drop),
		cmocka_unit_test_setup_teardown(the_spared_stays, make, drop),
		cmocka_unit_test_setup_teardown(other_names_survive, make, drop),
		cmocka_unit_test_setup_teardown(only_regular_files_go, make, drop),
		cmocka_unit_test_setup_teardown(other_users_files_survive, make, drop),
		cmocka_unit_test_setup_teardown(odd_program_names_are_understood, make, drop),
		cmocka_unit_test(a_missing_folder_is_an_error),
	};

	return cmocka_run_group_tests_name("rotation", tests, NULL, NULL);
}
