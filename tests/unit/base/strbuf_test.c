#include "tests/unit/unit.h"

#include "base/pool.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdlib.h>

static void text_grows_and_stays_terminated(void **state)
{
	struct strbuf buf = { 0 };
	char *taken;

	(void)state;
	assert_string_equal(strbuf_text(&buf), "");
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&buf, "%d,", i % 10);
	assert_int_equal(buf.size, 2000);
	assert_int_equal(buf.data[2000], '\0');
	strbuf_clear(&buf);
	strbuf_pad(&buf, '#', 3);
	strbuf_putc(&buf, '!');
	assert_string_equal(strbuf_text(&buf), "###!");
	taken = strbuf_take(&buf);
	assert_string_equal(taken, "###!");
	assert_null(buf.data);
	free(taken);
}

static void bytes_may_hold_nuls(void **state)
{
	struct strbuf buf = { 0 };

	(void)state;
	strbuf_add(&buf, "a\0b", 3);
	assert_int_equal(strbuf_span(&buf).size, 3);
	strbuf_deinit(&buf);
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void vectors_grow_zeroed_and_sort(void **state)
{
	VEC(int) numbers = { 0 };

	(void)state;
	vec_sort(&numbers, by_value);
	for (int i = 0; i < 100; i++) {
		int *added = vec_add(&numbers);

		assert_int_equal(*added, 0);
		*added = 100 - i;
	}
	vec_sort(&numbers, by_value);
	assert_int_equal(numbers.items[0], 1);
	assert_int_equal(numbers.items[99], 100);
	vec_deinit(&numbers);
	assert_int_equal(numbers.count, 0);
}

static void pool_items_are_zeroed_and_stay(void **state)
{
	struct pool pool = { 0 };
	char *first = pool_string(&pool, "first");
	char *large = pool_alloc(&pool, 1 << 20);

	(void)state;
	for (int i = 0; i < 10000; i++)
		pool_printf(&pool, "item %d", i);
	assert_string_equal(first, "first");
	for (int i = 0; i < 1 << 20; i++)
		assert_int_equal(large[i], 0);
	assert_string_equal(pool_span(&pool, span_make("abcdef", 3)), "abc");
	pool_deinit(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows_and_stays_terminated),
		cmocka_unit_test(bytes_may_hold_nuls),
		cmocka_unit_test(vectors_grow_zeroed_and_sort),
		cmocka_unit_test(pool_items_are_zeroed_and_stay),
	};

	return cmocka_run_group_tests_name("strbuf, vec, pool", tests, NULL, NULL);
}
