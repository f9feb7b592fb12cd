#include "tests/unit/unit.h"

#include "dumpcore/window.h"

static void growth_is_above_the_smallest_of_the_span(void **state)
{
	struct window window = { .span_ns = 1000 };

	(void)state;
	assert_int_equal(window_add(&window, 0, 100), 0);
	assert_int_equal(window_add(&window, 100, 150), 50);
	assert_int_equal(window_add(&window, 200, 40), 0);
	assert_int_equal(window_add(&window, 300, 90), 50);
	assert_int_equal(window_add(&window, 1200, 95), 55);
	assert_int_equal(window_add(&window, 1201, 95), 5);
	assert_int_equal(window_add(&window, 9000, 500), 0);
}

/* The later of two equal lows lasts longer, also where both came within one step. */
static void equal_lows_last(void **state)
{
	struct window window = { .span_ns = 1000 };

	(void)state;
	window_add(&window, 0, 100);
	window_add(&window, 2, 100);
	assert_int_equal(window_add(&window, 1001, 150), 50);
}

static void cleared_it_starts_anew(void **state)
{
	struct window window = { .span_ns = 1000 };

	(void)state;
	window_add(&window, 0, 1);
	window_clear(&window);
	assert_int_equal(window_add(&window, 1, 80), 0);
	assert_int_equal(window_add(&window, 2, 81), 1);
}

/* A year of growth sampled without end: the ring stays within its room, and what it says is what a
 * full list of the samples would, less at most one step's growth. */
static void the_ring_is_bounded(void **state)
{
	enum { SPAN = 100000, EVERY = 7 };
	struct window window = { .span_ns = SPAN };

	(void)state;
	for (int64_t now = 0; now < 20 * SPAN; now += EVERY) {
		uint64_t growth = window_add(&window, now, (uint64_t)now);
		uint64_t exact = (uint64_t)(now < SPAN ? now : SPAN / EVERY * EVERY);

		assert_true(window.count < WINDOW_ROOM);
		assert_true(growth <= exact);
		assert_true(growth + SPAN / WINDOW_STEPS + 2 * EVERY >= exact);
	}
}

/* A repeatable sequence. */
static uint64_t next_random(uint64_t *state, uint64_t below)
{
	*state = *state * UINT64_C(6364136223846793005) + 1;
	return (*state >> 33) % below;
}

/* Random walks against a list that keeps every sample. */
static void it_never_overstates(void **state)
{
	enum { SAMPLES = 2000, SPAN = 3000 };
	static int64_t times[SAMPLES];
	static uint64_t values[SAMPLES];
	struct window window = { .span_ns = SPAN };
	uint64_t random = 7;
	size_t exact_hits = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		uint64_t growth, least = UINT64_MAX;

		times[i] = (i ? times[i - 1] : 0) + (int64_t)next_random(&random, 40);
		values[i] = 1000 + next_random(&random, 500);
		growth = window_add(&window, times[i], values[i]);
		for (size_t k = 0; k <= i; k++)
			if (times[k] >= times[i] - SPAN && values[k] < least)
				least = values[k];
		assert_true(growth <= values[i] - least);
		exact_hits += growth == values[i] - least;
	}
	assert_true(exact_hits > SAMPLES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_is_above_the_smallest_of_the_span),
		cmocka_unit_test(equal_lows_last),
		cmocka_unit_test(cleared_it_starts_anew),
		cmocka_unit_test(the_ring_is_bounded),
		cmocka_unit_test(it_never_overstates),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
