#include "tests/unit/unit.h"

#include "dumpcore/xstate_x86_64.h"

#include <stdlib.h>
#include <string.h>

enum { AVX = 1 << 2, MASKS = 1 << 5, ZMM_HIGH = 1 << 6, ZMM16 = 1 << 7, PKRU = 1 << 9 };

/* A processor without MPX: the AVX-512 blocks close up (AMD Zen 4). */
static const struct xstate_layout close = {
	.offset = { [2] = 576, [5] = 832, [6] = 896, [7] = 1408, [9] = 2432 },
	.size = { [2] = 256, [5] = 64, [6] = 512, [7] = 1024, [9] = 8 },
};

static void put_area(uint8_t *area, uint64_t xcr0)
{
	memset(area, 0, XSTATE_ARRANGED_BYTES);
	memcpy(area + 464, &xcr0, sizeof xcr0);
	for (unsigned i = 2; i < XSTATE_BLOCKS; i++)
		if (xcr0 >> i & 1)
			memset(area + close.offset[i], (int)i, close.size[i]);
}

static void blocks_move_to_their_places(void **state)
{
	uint8_t area[XSTATE_ARRANGED_BYTES];

	(void)state;
	put_area(area, 3 | AVX | MASKS | ZMM_HIGH | ZMM16 | PKRU);
	area[0] = 99;
	assert_int_equal(xstate_arrange(&close, area, 2440), 2696);
	assert_int_equal(area[0], 99);
	assert_int_equal(area[576], 2);
	assert_int_equal(area[831], 2);
	assert_int_equal(area[832], 0);
	assert_int_equal(area[1088], 5);
	assert_int_equal(area[1151], 5);
	assert_int_equal(area[1152], 6);
	assert_int_equal(area[1664], 7);
	assert_int_equal(area[2687], 7);
	assert_int_equal(area[2688], 9);
}

static void without_the_last_block_the_area_is_shorter(void **state)
{
	uint8_t area[XSTATE_ARRANGED_BYTES];

	(void)state;
	put_area(area, 3 | AVX | MASKS | ZMM_HIGH | ZMM16);
	assert_int_equal(xstate_arrange(&close, area, 2432), 2688);
}

static void areas_that_need_nothing_stay(void **state)
{
	uint8_t area[XSTATE_ARRANGED_BYTES], before[XSTATE_ARRANGED_BYTES];

	(void)state;
	put_area(area, 3 | AVX);
	memcpy(before, area, sizeof before);
	assert_int_equal(xstate_arrange(&close, area, 832), 832);
	assert_memory_equal(area, before, sizeof area);
	/* Cut short, or of a size no table knows. */
	put_area(area, 3 | AVX | MASKS | ZMM_HIGH | ZMM16);
	assert_int_equal(xstate_arrange(&close, area, 1000), 1000);
	assert_int_equal(xstate_arrange(&close, area, 500), 500);
	assert_int_equal(xstate_arrange(&close, area, 0), 0);
	assert_int_equal(xstate_arrange(&close, area, 11008), 11008);
}

static void this_processor_is_understood(void **state)
{
	struct xstate_layout layout;

	(void)state;
	xstate_layout_read(&layout);
	if (layout.size[2])
		assert_int_equal(layout.offset[2], 576);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_move_to_their_places),
		cmocka_unit_test(without_the_last_block_the_area_is_shorter),
		cmocka_unit_test(areas_that_need_nothing_stay),
		cmocka_unit_test(this_processor_is_understood),
	};

	return cmocka_run_group_tests_name("xstate", tests, NULL, NULL);
}
