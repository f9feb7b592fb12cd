#include "tests/unit/unit.h"

#include "analyze/validators/crc32c.h"

#include <string.h>

/* RFC 3720 B.4, and the check value of the catalogue of CRCs. */
static void crc32c_of_known_bytes(void **state)
{
	uint8_t bytes[32];

	(void)state;
	assert_int_equal(crc32c(span_string("123456789")), 0xe3069283);
	memset(bytes, 0, sizeof bytes);
	assert_int_equal(crc32c(span_make(bytes, sizeof bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof bytes);
	assert_int_equal(crc32c(span_make(bytes, sizeof bytes)), 0x62a8ab43);
	for (uint8_t i = 0; i < sizeof bytes; i++)
		bytes[i] = i;
	assert_int_equal(crc32c(span_make(bytes, sizeof bytes)), 0x46dd794e);
	assert_int_equal(crc32c(span_make(bytes, 0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_of_known_bytes),
	};

	return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
