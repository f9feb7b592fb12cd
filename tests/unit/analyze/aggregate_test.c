#include "tests/unit/unit.h"

#include "analyze/rules/aggregate.h"

static void check(enum transform_kind kind, uint32_t number, const char *value, const char *wanted)
{
	struct aggregate aggregate = { .by = "x", .steps = { { kind, number } }, .step_count = 1 };
	struct strbuf key = { 0 };

	aggregate_key(&aggregate, span_string(value), &key);
	assert_string_equal(strbuf_text(&key), wanted);
	strbuf_deinit(&key);
}

static void dirname_keeps_leading_folders(void **state)
{
	(void)state;
	check(TRANSFORM_DIRNAME, 3, "com/acme/app/FooBar.class", "com/acme/app");
	check(TRANSFORM_DIRNAME, 3, "com/acme/app/impl/FooBar.class", "com/acme/app");
	check(TRANSFORM_DIRNAME, 3, "com/Foo.class", "com");
	check(TRANSFORM_DIRNAME, 3, "module-info.class", ".");
	check(TRANSFORM_DIRNAME, 2, "/usr/lib/x.so", "/usr/lib");
	check(TRANSFORM_DIRNAME, 1, "", ".");
}

static void only_dirname_cuts_alone(void **state)
{
	struct aggregate aggregate = { .by = "x", .steps = { { TRANSFORM_DIRNAME, 3 } } };

	(void)state;
	assert_false(aggregate_only_cuts(&aggregate));
	aggregate.step_count = 1;
	assert_true(aggregate_only_cuts(&aggregate));
	aggregate.step_count = 2;
	aggregate.steps[1].kind = TRANSFORM_LOWER;
	assert_false(aggregate_only_cuts(&aggregate));
}

static void other_transforms(void **state)
{
	(void)state;
	check(TRANSFORM_PREFIX, 4, "abcdef", "abcd");
	check(TRANSFORM_PREFIX, 40, "abcdef", "abcdef");
	check(TRANSFORM_LOWER, 0, "GET /Path", "get /path");
	check(TRANSFORM_DIGITS, 0, "user17:msg2048", "user#:msg#");
	check(TRANSFORM_DIGITS, 0, "", "");
	check(TRANSFORM_DIGITS, 0, "/topic/room-550e8400-e29b-41d4-a716-446655440000", "/topic/room-#");
	check(TRANSFORM_DIGITS, 0, "a.Foo$$EnhancerBySpringCGLIB$$1a2b3c4d",
		  "a.Foo$$EnhancerBySpringCGLIB$$#");
	check(TRANSFORM_DIGITS, 0, "facade7", "facade#");
	check(TRANSFORM_DIGITS, 0, "b4c", "b#c");
	check(TRANSFORM_DIGITS, 0, "t 492 912 345", "t #");
	check(TRANSFORM_IDS, 0, "GET /orders/17/items/4", "GET /orders/#/items/#");
	check(TRANSFORM_IDS, 0, "GET /v1/deadbeef01/x", "GET /v1/#/x");
	check(TRANSFORM_IDS, 0, "/facade/abc", "/facade/abc");
	check(TRANSFORM_IDS, 0, "HTTP/1.1 200", "HTTP/1.1 200");
	check(TRANSFORM_IDS, 0, "/a/", "/a/");
	check(TRANSFORM_IDS, 0, "", "");
	check(TRANSFORM_SQL, 0, "SELECT a FROM t WHERE b IN (1, 'x')",
		  "SELECT a FROM t WHERE b IN (?)");
	check(TRANSFORM_SQL, 0, "", "");
}

static void transforms_apply_in_order(void **state)
{
	struct aggregate aggregate = {
		.by = "x",
		.steps = { { TRANSFORM_DIRNAME, 2 }, { TRANSFORM_LOWER, 0 }, { TRANSFORM_DIGITS, 0 } },
		.step_count = 3,
	};
	struct strbuf key = { 0 };

	(void)state;
	aggregate_key(&aggregate, span_string("Org/Pkg42/Sub/A.class"), &key);
	assert_string_equal(strbuf_text(&key), "org/pkg#");
	strbuf_deinit(&key);
}

static void a_key_is_appended(void **state)
{
	struct aggregate aggregate = { .by = "x" };
	struct strbuf key = { 0 };

	(void)state;
	strbuf_puts(&key, "head:");
	aggregate_key(&aggregate, span_make("a\0b", 3), &key);
	assert_int_equal(key.size, 8);
	assert_memory_equal(key.data, "head:a\0b", 8);
	strbuf_deinit(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dirname_keeps_leading_folders),
		cmocka_unit_test(only_dirname_cuts_alone),
		cmocka_unit_test(other_transforms),
		cmocka_unit_test(transforms_apply_in_order),
		cmocka_unit_test(a_key_is_appended),
	};

	return cmocka_run_group_tests_name("aggregate", tests, NULL, NULL);
}
