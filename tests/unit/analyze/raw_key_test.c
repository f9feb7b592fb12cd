#include "tests/unit/unit.h"

#include "analyze/content/raw_key.h"
#include "analyze/rules/redact.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct redactor *redactor;
	struct raw_key_cache cache;
	struct span_index keys;
	struct rule rule;
};

static void setup(struct fixture *fixture, enum transform_kind kind, size_t steps)
{
	struct err err;

	*fixture = (struct fixture){ .redactor = redactor_create(&err) };
	assert_non_null(fixture->redactor);
	fixture->rule.show_all = true;
	fixture->rule.aggregate = (struct aggregate){ .by = "x", .step_count = steps };
	fixture->rule.aggregate.steps[0] = (struct transform){ kind, 1 };
}

static void teardown(struct fixture *fixture)
{
	raw_key_cache_deinit(&fixture->cache);
	span_index_deinit(&fixture->keys);
	redactor_destroy(fixture->redactor);
}

static uint32_t add(struct fixture *fixture, const char *value)
{
	struct match match = { .captures = 1 };

	match.capture[0] = (struct match_capture){ "x", span_string(value) };
	return raw_key_add(&fixture->cache, &fixture->keys, fixture->redactor, &fixture->rule, 7,
					   &match);
}

/* Its text; `hidden` is whether it may be seen. */
static void check(const struct fixture *fixture, uint32_t key, const char *text, bool hidden)
{
	struct span bytes = fixture->keys.items.items[key];
	struct raw_key_head head;

	memcpy(&head, bytes.data, sizeof head);
	assert_int_equal(head.rule, 7);
	assert_int_equal(head.hidden, hidden);
	assert_true(span_equal(span_part(bytes, sizeof head, bytes.size), span_string(text)));
}

static void values_of_one_shape_have_one_key(void **state)
{
	struct fixture fixture;
	uint32_t first, second;

	(void)state;
	setup(&fixture, TRANSFORM_SQL, 1);
	first = add(&fixture, "SELECT a FROM t WHERE b = 1");
	second = add(&fixture, "SELECT a FROM t WHERE b = 'x'");
	assert_int_equal(first, second);
	assert_int_equal(first, add(&fixture, "SELECT a FROM t WHERE b = 1"));
	check(&fixture, first, "SELECT a FROM t WHERE b = ?", false);
	teardown(&fixture);
}

/* What is known of a shape says nothing about the next value that has it. */
static void a_secret_hides_its_own_key_alone(void **state)
{
	struct fixture fixture;
	uint32_t shown, hidden;

	(void)state;
	setup(&fixture, TRANSFORM_SQL, 1);
	shown = add(&fixture, "SELECT a FROM t WHERE b = 'x'");
	hidden = add(&fixture, "SELECT a FROM t WHERE b = 'jo@example.com'");
	assert_int_not_equal(shown, hidden);
	assert_int_equal(shown, add(&fixture, "SELECT a FROM t WHERE b = 'y'"));
	assert_int_equal(hidden, add(&fixture, "SELECT a FROM t WHERE b = 'al@example.com'"));
	check(&fixture, shown, "SELECT a FROM t WHERE b = ?", false);
	check(&fixture, hidden, "SELECT a FROM t WHERE b = ?", true);
	teardown(&fixture);
}

/* Where a secret comes first, too. */
static void a_shape_is_shown_behind_a_secret(void **state)
{
	struct fixture fixture;
	uint32_t hidden;

	(void)state;
	setup(&fixture, TRANSFORM_DIGITS, 1);
	hidden = add(&fixture, "user=1 password=1");
	check(&fixture, hidden, "user=# password=#", true);
	hidden = add(&fixture, "token_a1B2c3D4e5F6g7H8");
	check(&fixture, hidden, "token_#g#H#", true);
	check(&fixture, add(&fixture, "user=17"), "user=#", false);
	check(&fixture, add(&fixture, "user=18"), "user=#", false);
	teardown(&fixture);
}

/* The part that is left decides. */
static void what_dirname_cuts_off_does_not_count(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, TRANSFORM_DIRNAME, 1);
	check(&fixture, add(&fixture, "lib/password=x"), "lib", false);
	check(&fixture, add(&fixture, "token=x/b"), "token=x", true);
	/* what tells the secret is cut off, the secret is not */
	check(&fixture, add(&fixture, "<pwd>x</pwd>"), "<pwd>x<", true);
	check(&fixture, add(&fixture, "%3Cpwd%3Ex%3C/pwd>"), "%3Cpwd%3Ex%3C", true);
	check(&fixture, add(&fixture, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "wJalrXUtnFEMI",
		  true);
	check(&fixture, add(&fixture, "user%20a/12345678901%32"), "user%20a", false);
	check(&fixture, add(&fixture, "password=x"), ".", false);
	teardown(&fixture);
}

static void a_value_as_it_is(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, TRANSFORM_KINDS, 0);
	check(&fixture, add(&fixture, "a/17"), "a/17", false);
	check(&fixture, add(&fixture, "pwd=17"), "pwd=17", true);
	fixture.rule.show_all = false;
	check(&fixture, add(&fixture, "b"), "b", true);
	teardown(&fixture);
}

/* More values and shapes than are kept, and longer ones: the numbers stay those of the index. */
static void more_than_is_kept(void **state)
{
	enum { VALUES = 9000, LONG = 3000 };
	struct fixture fixture;
	char value[LONG + 1] = "";
	uint32_t first, last;

	(void)state;
	setup(&fixture, TRANSFORM_LOWER, 1);
	first = add(&fixture, "V0");
	for (int i = 1; i < VALUES; i++) {
		snprintf(value, sizeof value, "V%c%c%c", 'A' + i / 676, 'A' + i / 26 % 26, 'A' + i % 26);
		assert_int_equal(add(&fixture, value), i);
	}
	assert_int_equal(add(&fixture, "V0"), first);
	memset(value, 'Z', LONG);
	last = add(&fixture, value);
	assert_int_equal(last, VALUES);
	assert_int_equal(add(&fixture, value), last);
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_one_shape_have_one_key),
		cmocka_unit_test(a_secret_hides_its_own_key_alone),
		cmocka_unit_test(a_shape_is_shown_behind_a_secret),
		cmocka_unit_test(what_dirname_cuts_off_does_not_count),
		cmocka_unit_test(a_value_as_it_is),
		cmocka_unit_test(more_than_is_kept),
	};

	return cmocka_run_group_tests_name("raw_key", tests, NULL, NULL);
}
