#include "tests/unit/unit.h"

#include "analyze/rules/confirm.h"
#include "analyze/rules/byte_set.h"

#include <string.h>

static struct confirm *make(const char *pattern)
{
	struct confirm_problem problem = { 0 };
	struct confirm *confirm = confirm_create(span_string(pattern), &problem);

	if (!confirm)
		fail_msg("refused: %s: %s at %zu", pattern, problem.what, problem.offset);
	return confirm;
}

static enum confirm_result try_at(const char *pattern, const char *text, size_t at,
								  struct match *match)
{
	struct confirm *confirm = make(pattern);
	struct confirm_thread *thread = confirm_thread_create();
	enum confirm_result result = confirm_at(confirm, thread, span_string(text), at, match);

	confirm_thread_destroy(thread);
	confirm_destroy(confirm);
	return result;
}

static void it_matches_only_at_the_place(void **state)
{
	struct match match;

	(void)state;
	assert_int_equal(try_at("b+", "abbb", 1, &match), CONFIRM_YES);
	assert_int_equal(match.bytes, 3);
	assert_int_equal(match.extent, 3);
	assert_int_equal(try_at("b+", "abbb", 0, &match), CONFIRM_NO);
	assert_int_equal(try_at("b+", "abbb", 4, &match), CONFIRM_NO);
}

static void lookbehind_sees_what_stands_before(void **state)
{
	struct match match;

	(void)state;
	assert_int_equal(try_at("(?<![0-9])42", "x42", 1, &match), CONFIRM_YES);
	assert_int_equal(try_at("(?<![0-9])42", "142", 1, &match), CONFIRM_NO);
}

static void captures_point_into_the_text(void **state)
{
	const char *text = "k=v;";
	struct confirm *confirm = make("(?<key>\\w+)=(?<value>\\w+)(?<more>,)?;");
	struct confirm_thread *thread = confirm_thread_create();
	const char *names[MATCH_CAPTURES];
	struct match match;

	(void)state;
	assert_int_equal(confirm_captures(confirm, names), 3);
	assert_int_equal(confirm_at(confirm, thread, span_string(text), 0, &match), CONFIRM_YES);
	assert_true(span_equal(match_find(&match, "key")->text, span_string("k")));
	assert_true(span_equal(match_find(&match, "value")->text, span_string("v")));
	assert_null(match_find(&match, "more")->text.data);
	assert_null(match_find(&match, "none"));
	confirm_thread_destroy(thread);
	confirm_destroy(confirm);
}

static void one_name_may_stand_for_several_groups(void **state)
{
	struct confirm *confirm = make("(?J)(?:a(?<x>1)|b(?<x>2))");
	struct confirm_thread *thread = confirm_thread_create();
	struct match match;

	(void)state;
	assert_int_equal(confirm_at(confirm, thread, span_string("b2"), 0, &match), CONFIRM_YES);
	assert_true(span_equal(match_find(&match, "x")->text, span_string("2")));
	confirm_thread_destroy(thread);
	confirm_destroy(confirm);
}

static void bad_patterns_are_refused_with_their_place(void **state)
{
	static const struct {
		const char *pattern, *code;
		size_t offset;
	} cases[] = {
		{ "ab(c", "R020", 4 },
		{ "a*", "R021", 0 },
		{ "ab(?C1)c", "R022", 2 },
		{ "(*UTF)abc", "R020", 6 },
		{ "a\\Cb", "R020", 3 },
		{ "[z-a]", "R020", 3 },
		{ "(?<n>a)(?<n>b)", "R020", 12 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct confirm_problem problem = { 0 };

		assert_null(confirm_create(span_string(cases[i].pattern), &problem));
		assert_string_equal(problem.code, cases[i].code);
		if (problem.offset != cases[i].offset)
			fail_msg("%s: %s at %zu", cases[i].pattern, problem.what, problem.offset);
	}
}

/* The match limit says nothing about whether the pattern matches. */
static void a_limit_is_undecided(void **state)
{
	char text[1200];
	struct match match;

	(void)state;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(try_at("(?:[a-z]{1,100}){1,3}[\\x01\\x02]", text, 0, &match),
					 CONFIRM_UNDECIDED);
}

static void check_first(const char *pattern, const char *members)
{
	struct confirm *confirm = make(pattern);

	for (unsigned byte = 0; byte < 256; byte++) {
		bool wanted = byte && strchr(members, (int)byte);

		if (wanted)
			assert_true(byte_set_has(confirm_first_bytes(confirm), byte));
	}
	confirm_destroy(confirm);
}

static void first_bytes_never_miss_one(void **state)
{
	(void)state;
	check_first("abc", "a");
	check_first("(?i)abc", "aA");
	check_first("(?i)(?:get|post)", "gGpP");
	check_first("[x-z]1", "xyz");
	check_first("(?:a|b)c", "ab");
	check_first("a?b", "ab");
}

static void it_reports_lookbehind_and_jit(void **state)
{
	struct confirm *confirm = make("(?<=abc)d");

	(void)state;
	assert_int_equal(confirm_lookbehind(confirm), 4); /* a ^ in it would look at one more */
	(void)confirm_has_jit(confirm);
	confirm_destroy(confirm);
}

/* The longer the text, the more it takes, up to the limit. */
static void what_a_match_takes_is_told_in_steps(void **state)
{
	static const unsigned steps[] = { 0, 1, CONFIRM_STRAIN / 10, CONFIRM_STRAIN };
	struct confirm_problem problem;
	struct confirm *confirm =
		confirm_create(span_string("(?:[a-z]{1,100}){1,3}[\\x01\\x02]"), &problem);
	struct confirm_thread *thread = confirm_thread_create();
	char text[301] = "";
	struct match match;
	size_t step = 0;

	(void)state;
	for (size_t letters = 1; letters < sizeof text; letters++) {
		enum confirm_result result;

		text[letters - 1] = 'a';
		result = confirm_at(confirm, thread, span_string(text), 0, &match);
		step += step < 3 && confirm_strain(thread) == steps[step + 1];
		assert_int_equal(confirm_strain(thread), steps[step]);
		assert_int_equal(result, step == 3 ? CONFIRM_UNDECIDED : CONFIRM_NO);
	}
	assert_int_equal(step, 3);
	text[20] = 1;
	assert_int_equal(confirm_at(confirm, thread, span_string(text), 0, &match), CONFIRM_YES);
	assert_int_equal(confirm_strain(thread), 0);
	confirm_thread_destroy(thread);
	confirm_destroy(confirm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_matches_only_at_the_place),
		cmocka_unit_test(lookbehind_sees_what_stands_before),
		cmocka_unit_test(captures_point_into_the_text),
		cmocka_unit_test(one_name_may_stand_for_several_groups),
		cmocka_unit_test(bad_patterns_are_refused_with_their_place),
		cmocka_unit_test(a_limit_is_undecided),
		cmocka_unit_test(what_a_match_takes_is_told_in_steps),
		cmocka_unit_test(first_bytes_never_miss_one),
		cmocka_unit_test(it_reports_lookbehind_and_jit),
	};

	return cmocka_run_group_tests_name("confirm", tests, NULL, NULL);
}
