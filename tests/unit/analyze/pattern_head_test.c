#include "tests/unit/unit.h"

#include "analyze/rules/confirm.h"
#include "analyze/rules/pattern_head.h"
#include "analyze/rules/pattern_opening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pattern_head head_of(const char *source)
{
	struct pool nodes = { 0 };
	struct pattern pattern = pattern_read(span_string(source), &nodes);
	struct pattern_head head;

	pattern_head_init(&head, &pattern);
	pool_deinit(&nodes);
	return head;
}

static pattern_openings openings_of(const char *source)
{
	struct pool nodes = { 0 };
	struct pattern pattern = pattern_read(span_string(source), &nodes);
	pattern_openings openings = { 0 };

	pattern_openings_find(&openings, &pattern);
	pool_deinit(&nodes);
	return openings;
}

static void starts_that_cannot_be_are_told(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} rows[] = {
		{ "abc", "abcd", true },
		{ "abc", "abd", false },
		{ "abc", "ab", true }, /* the text ends within it */
		{ "a|bcd", "axyz", true },
		{ "[0-9]{2}/x", "12/x", true },
		{ "[0-9]{2}/x", "1a/x", false },
		{ "(?:[0-9a-f.]{3,39} )?\\[1", "10.0.0.7 [1", true },
		{ "(?:[0-9a-f.]{3,39} )?\\[1", "[1", true },
		{ "(?:[0-9a-f.]{3,39} )?\\[1/2024", "10x", false },
		{ "(?:[0-9a-f.]{3,39} )?\\[1/2024", "1.2x", false },
		{ "a*bc", "aaaaaaaaaaaab", true },
		{ "a*bc", "aac", true }, /* places are told apart, not ways */
		{ "a*bc", "ad", false },
		{ "(?:a|bc){0,2}d", "bcad", true },
		{ "(?:a|bc){0,2}d", "e", false },
		{ "(?i)GET", "get", true },
		{ "(?<!x)ab(?=c)", "abz", true },
		{ "(a)\\1b", "aab", true },
		{ "(?:(?:)*a){2}b", "aab", true },
		{ "a(?R)?b", "zz", true }, /* not known: nothing is told */
		{ "(?:(?:(?:(?:(?:a{1,9}){1,9}){1,9}){1,9}){1,9}){1,9}b", "zz", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pattern_head head = head_of(rows[i].pattern);

		if (pattern_head_fits(&head, span_string(rows[i].text)) != rows[i].fits)
			fail_msg("%s on %s: not %d", rows[i].pattern, rows[i].text, rows[i].fits);
	}
}

static void openings_are_told_apart(void **state)
{
	static const struct {
		const char *pattern, *text;
		size_t count;
		bool fits;
	} rows[] = {
		{ "(?s)(?:.{2})??ab", "xxx", 2, false },
		{ "(?xs) (?: .{2} | .{5} )?? (?<t> ab{2} )", "abbx", 3, true },
		{ "(?xs) (?: .{2} | .{5} )?? (?<t> ab{2} )", "xxabb", 3, true },
		{ "(?xs) (?: .{2} | .{5} )?? (?<t> ab{2} )", "xxxxxabb", 3, true },
		{ "(?xs) (?: .{2} | .{5} )?? (?<t> ab{2} )", "xxxxxab", 3, true }, /* ends within it */
		{ "(?xs) (?: .{2} | .{5} )?? (?<t> ab{2} )", "xabbxxab", 3, false },
		{ "(?xsJ) (?<s> ab ) | .{3} (?<s> cd )", "xxxcd", 2, true },
		{ "(?xsJ) (?<s> ab ) | .{3} (?<s> cd )", "xxxab", 2, false },
		{ "(?s).{4}[0-9].a", "xxxx1xa", 1, true },
		{ "(?s).{4}[0-9].a", "xxxx1xb", 1, false },
		{ "(?s).{300}a", "b", 1, true },
		{ "(?s).{200}.{56}a", "b", 1, true },
		{ "(?s).?.?.?.?.?f", "x", 0, true }, /* 32 ways: none is told */
		{ "a(?R)?b", "x", 0, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		pattern_openings openings = openings_of(rows[i].pattern);

		if (openings.count != rows[i].count ||
			pattern_openings_fit(&openings, span_string(rows[i].text)) != rows[i].fits)
			fail_msg("%s on %s: %zu openings", rows[i].pattern, rows[i].text, openings.count);
		vec_deinit(&openings);
	}
}

/* A pattern of few letters, at random. */
static void make_pattern(char *out, size_t size, unsigned depth)
{
	static const char *const counts[] = { "", "", "", "?", "*", "+", "{2}", "{0,3}", "{1,2}?" };
	static const char *const atoms[] = { "a", "b", "c", "[ab]", "[^a]", ".", "(?=a)", "\\b" };
	size_t parts = 1 + (size_t)rand() % 4, used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < parts; i++) {
		char inner[400] = "";

		if (depth && rand() % 3 == 0)
			make_pattern(inner, sizeof inner / (4 - depth), depth - 1);
		if (inner[0] && used + strlen(inner) + 32 < size)
			used += (size_t)snprintf(out + used, size - used, "(?:%s)%s", inner,
									 counts[(size_t)rand() % (sizeof counts / sizeof *counts)]);
		else if (used + 32 < size)
			used += (size_t)snprintf(
				out + used, size - used, "%s%s%s", i && rand() % 4 == 0 ? "|" : "",
				atoms[(size_t)rand() % (sizeof atoms / sizeof *atoms)], counts[(size_t)rand() % 3]);
	}
}

/* Whatever PCRE2 matches fits. */
static void no_match_is_lost(void **state)
{
	struct confirm_thread *thread = confirm_thread_create();
	unsigned matches = 0, told = 0;

	(void)state;
	srand(11);
	for (unsigned round = 0; round < 3000; round++) {
		char source[400] = "(?s)", text[13] = "";
		struct confirm_problem problem;
		struct confirm *confirm;
		struct pattern_head head;
		pattern_openings openings;

		make_pattern(source + strlen(source), sizeof source - strlen(source), 3);
		confirm = confirm_create(span_string(source), &problem);
		if (!confirm)
			continue; /* it can match nothing at all */
		head = head_of(source);
		openings = openings_of(source);
		pattern_head_narrow(&head, confirm_first_bytes(confirm));
		for (unsigned i = 0; i < 50; i++) {
			struct match match;

			for (size_t j = 0; j < sizeof text - 1; j++)
				text[j] = (char)('a' + rand() % 4);
			if (confirm_at(confirm, thread, span_string(text), 0, &match) != CONFIRM_YES)
				told += !pattern_openings_fit(&openings, span_string(text));
			else if (!pattern_head_fits(&head, span_string(text)) ||
					 !pattern_openings_fit(&openings, span_string(text)))
				fail_msg("%s matches %s", source, text);
			else
				matches++;
		}
		vec_deinit(&openings);
		confirm_destroy(confirm);
	}
	assert_true(matches > 1000);
	assert_true(told > 1000);
	confirm_thread_destroy(thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_that_cannot_be_are_told),
		cmocka_unit_test(openings_are_told_apart),
		cmocka_unit_test(no_match_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
