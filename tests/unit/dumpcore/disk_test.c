#include "tests/unit/unit.h"

#include "dumpcore/disk.h"

#include <string.h>

#define GIB(n) (UINT64_C(n) << 30)

static const struct disk large = { GIB(1000), GIB(100) }, small = { GIB(10), GIB(4) };

static void the_reserve_is_the_lesser_one(void **state)
{
	(void)state;
	assert_int_equal(disk_reserve(&large, DISK_RESERVE_DEFAULT), GIB(1));
	assert_int_equal(disk_reserve(&small, DISK_RESERVE_DEFAULT), GIB(1) / 2);
	assert_int_equal(disk_reserve(&small, GIB(3)), GIB(3));
	assert_int_equal(disk_reserve(&large, 0), 0);
}

static void an_archive_fits_beside_the_reserve(void **state)
{
	struct disk_need need = { .bytes = GIB(3), .reserve = GIB(1) };

	(void)state;
	assert_true(disk_fits(&small, &need));
	need.reserve++;
	assert_false(disk_fits(&small, &need));
	need = (struct disk_need){ .bytes = GIB(4) };
	assert_true(disk_fits(&small, &need));
	need.bytes++;
	assert_false(disk_fits(&small, &need));
	need = (struct disk_need){ .bytes = UINT64_MAX, .reserve = UINT64_MAX };
	assert_false(disk_fits(&small, &need));
}

/* Nobody knows how well memory compresses: only a reserve makes an estimate count. */
static void an_estimate_counts_with_a_reserve_only(void **state)
{
	struct disk_need need = { .bytes = GIB(5), .is_estimate = true, .reserve = 1 };
	struct err err = { 0 };

	(void)state;
	assert_false(disk_check(&small, &need, "/x", &err));
	assert_int_equal(err.kind, ERR_NO_SPACE);
	assert_non_null(strstr(err.what, "an estimated 5.00 GiB"));
	assert_null(strstr(err.hint, "compress it"));
	need.reserve = 0;
	assert_true(disk_check(&small, &need, "/x", &err));
}

static void a_full_disk_is_explained(void **state)
{
	struct disk_need need = { .bytes = GIB(4), .reserve = GIB(1) };
	struct err err = { 0 };

	(void)state;
	assert_false(disk_check(&small, &need, "/x", &err));
	assert_string_equal(err.what, "the archive needs 4.00 GiB, /x has 4.00 GiB free, of which "
								  "1.00 GiB are to stay free");
	assert_non_null(strstr(err.hint, "--reserve-disk"));
	assert_non_null(strstr(err.hint, "compress it"));
}

static void folders_are_on_a_disk(void **state)
{
	struct disk disk;

	(void)state;
	assert_true(disk_of_folder("/", &disk));
	assert_true(disk.total >= disk.free && disk.total > 0);
	assert_false(disk_of_folder("/nonexistent", &disk));
	assert_false(disk_of_file(-1, &disk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reserve_is_the_lesser_one),
		cmocka_unit_test(an_archive_fits_beside_the_reserve),
		cmocka_unit_test(an_estimate_counts_with_a_reserve_only),
		cmocka_unit_test(a_full_disk_is_explained),
		cmocka_unit_test(folders_are_on_a_disk),
	};

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
