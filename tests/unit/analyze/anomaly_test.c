#include "tests/unit/unit.h"

#include "analyze/memory/anomaly.h"

#include <stdlib.h>
#include <string.h>

static void rows_keep_address_and_text(void **state)
{
	struct anomalies anomalies = { 0 };

	(void)state;
	anomaly_add(&anomalies, 0x1000, "size %d where %s was expected", 17, "32");
	assert_int_equal(anomalies.rows.count, 1);
	assert_true(anomalies.rows.items[0].address == 0x1000);
	assert_string_equal(anomalies.rows.items[0].what, "size 17 where 32 was expected");
	anomalies_deinit(&anomalies);
	assert_int_equal(anomalies.rows.count, 0);
}

static void a_flood_is_counted_not_kept(void **state)
{
	struct anomalies anomalies = { 0 };
	char longer_than_a_row[2000];

	(void)state;
	memset(longer_than_a_row, 'x', sizeof longer_than_a_row - 1);
	longer_than_a_row[sizeof longer_than_a_row - 1] = '\0';
	for (vaddr i = 0; i < ANOMALIES_MAX + 5; i++)
		anomaly_add(&anomalies, i, "%s", longer_than_a_row);
	assert_int_equal(anomalies.rows.count, ANOMALIES_MAX);
	assert_int_equal(anomalies.dropped, 5);
	assert_true(strlen(anomalies.rows.items[0].what) < 1000);
	anomalies_deinit(&anomalies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_keep_address_and_text),
		cmocka_unit_test(a_flood_is_counted_not_kept),
	};

	return cmocka_run_group_tests_name("anomaly", tests, NULL, NULL);
}
