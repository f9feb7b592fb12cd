#include "tests/unit/unit.h"

#include "analyze/rules/confirm.h"
#include "analyze/rules/coverage.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4 };

static struct coverage analyse(const char *pattern, const char *const keywords[MOST],
							   struct pattern_head tails[MOST])
{
	struct pool pool = { 0 };
	struct pattern tree = pattern_read(span_string(pattern), &pool);
	struct span spans[MOST];
	struct coverage coverage;
	size_t count = 0;

	for (; count < MOST && keywords[count]; count++)
		spans[count] = span_string(keywords[count]);
	coverage = coverage_analyse(&tree, spans, count, tails);
	pool_deinit(&pool);
	return coverage;
}

#define ANALYSE(pattern, ...) \
	analyse(pattern, (const char *const[MOST]){ __VA_ARGS__ }, (struct pattern_head[MOST]){ 0 })

static void check_full(const char *pattern, const char *keyword, size_t min, size_t max)
{
	struct coverage coverage = ANALYSE(pattern, keyword);

	if (coverage.result != COVERAGE_FULL || coverage.lead_min != min || coverage.lead_max != max)
		fail_msg("%s: result %d, lead %zu to %zu", pattern, (int)coverage.result, coverage.lead_min,
				 coverage.lead_max);
}

static void covered_patterns_tell_the_lead(void **state)
{
	(void)state;
	check_full("abc", "abc", 0, 0);
	check_full("xyabc", "abc", 2, 2);
	check_full("x{2,5}abc", "abc", 2, 5);
	check_full("x*abc", "abc", 0, COVERAGE_FAR);
	check_full("(?:a|b)bcd", "bcd", 1, 1);
	check_full("(?xs) a b c # comment (\n", "abc", 0, 0);
	check_full("\\x61\\x{62}\\Qc\\E", "abc", 0, 0);
	check_full("[a][b][c]\\d{1,9}", "abc", 0, 0);
	check_full("(?<![0-9])(?=a)abc", "abc", 0, 0);
	check_full("(?<n>abc)|x(?:abc)", "abc", 0, 1);
	check_full("(?i:x)abc", "abc", 1, 1);
	check_full("(?:abc){2}", "abc", 0, 0);
	check_full(".{0,3}abc\\1?(d)", "abc", 0, 3);
	check_full("x\\E{2}(?# c)abc", "abc", 2, 2);
	check_full("(?x) x (?# c) + # c\n abc\\E", "abc", 0, COVERAGE_FAR);
}

/* What the pattern lets stand at the places behind the keyword: "abc" for these, "" for none and
 * "*" for all printable bytes. */
static void check_tail(const char *pattern, const char *const keywords[MOST], size_t keyword,
					   const char *const places[PATTERN_HEAD])
{
	struct pattern_head tails[MOST];

	analyse(pattern, keywords, tails);
	for (unsigned place = 0; place < PATTERN_HEAD; place++)
		for (unsigned byte = ' '; byte < 127; byte++) {
			bool wanted = places[place][0] == '*' || strchr(places[place], (int)byte);

			if ((tails[keyword].places[byte] >> place & 1) != wanted)
				fail_msg("%s, behind '%s': %c at place %u", pattern, keywords[keyword], byte,
						 place);
		}
}

#define TAIL(pattern, keyword, keywords, ...) \
	check_tail(pattern, keywords, keyword, (const char *const[PATTERN_HEAD]){ __VA_ARGS__ })

static void bytes_behind_a_keyword_are_known(void **state)
{
	static const char *const abc[MOST] = { "abc" }, *const both[MOST] = { "abc", "xyz" };

	(void)state;
	TAIL("abc[12]{2}-", 0, abc, "12", "12", "-", "*", "*", "*", "*", "*");
	TAIL("abc1?2", 0, abc, "12", "*", "*", "*", "*", "*", "*", "*");
	TAIL("abc", 0, abc, "*", "*", "*", "*", "*", "*", "*", "*");
	TAIL("abc1234567890", 0, abc, "1", "2", "3", "4", "5", "6", "7", "8");
	TAIL("abc1|xyz2345678901", 0, both, "1", "*", "*", "*", "*", "*", "*", "*");
	TAIL("abc1|xyz2345678901", 1, both, "2", "3", "4", "5", "6", "7", "8", "9");
	/* one that is never the first, and one of two equal ones */
	TAIL("abc1xyz2", 1, both, "", "", "", "", "", "", "", "");
	TAIL("abc12345678", 1, ((const char *const[MOST]){ "xyz", "abc" }), "1", "2", "3", "4", "5",
		 "6", "7", "8");
	/* what may stand before it holds the keyword too, but does not spell it out */
	TAIL("[a-z ]{1,9}abc[12]{9}", 0, abc, "12", "12", "12", "12", "12", "12", "12", "12");
	/* here nothing spells it out, and where the pattern is not known any byte may follow */
	TAIL("(?:a|b)[bB]c12345678", 0, abc, "*", "*", "*", "*", "*", "*", "*", "*");
	TAIL("abc(?1)(2)", 0, abc, "*", "*", "*", "*", "*", "*", "*", "*");
	/* nor is what follows in a branch that alone would be covered */
	TAIL("abc1|xbd", 0, abc, "*", "*", "*", "*", "*", "*", "*", "*");
}

static void check_partial(const char *pattern, const char *keyword, const char *branch,
						  const char *witness)
{
	struct coverage coverage = ANALYSE(pattern, keyword);

	if (coverage.result != COVERAGE_PARTIAL)
		fail_msg("%s: result %d", pattern, (int)coverage.result);
	assert_true(span_equal(coverage.branch, span_string(branch)));
	assert_int_equal(coverage.witness_size, strlen(witness));
	assert_memory_equal(coverage.witness, witness, coverage.witness_size);
}

static void uncovered_branches_are_named(void **state)
{
	(void)state;
	check_partial("abc|xbd", "abc", "xbd", "xbd");
	check_partial("z(?:abc|5\\d-)", "abc", "5\\d-", "z50-");
	check_partial("(?i)abc", "abc", "", "ABC");
	check_partial("ab[cd]", "abc", "", "abd");
	check_partial("abc?", "abc", "", "ab");
	check_partial("(?=abc)...", "abc", "", "xxx");
	/* what PCRE2 does not see must not come between a quantifier and what it belongs to */
	check_partial("abc(?# c)*", "abc", "", "ab");
	check_partial("abc\\E?", "abc", "", "ab");
	check_partial("(?x) abc # c\n (?#c) \\E ?", "abc", "", "ab");
	/* caseless [:lower:] is [:alpha:], so that this is any letter */
	check_partial("(?i)[^[:^lower:]]bc", "abc", "", "xBC");
	check_partial("(?i)[^[:^upper:]]", "abc", "", "x");
}

static void several_keywords_cover_together(void **state)
{
	struct coverage coverage = ANALYSE("4(?:2(?:/a)?|51-)\\[\"", "42[\"", "42/", "-[\"");

	(void)state;
	assert_int_equal(coverage.result, COVERAGE_FULL);
	assert_int_equal(coverage.lead_min, 0);
	assert_int_equal(coverage.lead_max, 3);
}

static void what_is_not_known_stays_open(void **state)
{
	static const char *const patterns[] = { "(a(?R)?)abc",      "(?(1)a|b)abc",    "(*ACCEPT)abc",
											"\\p{Lu}abc",       "a{,3}abc",        "(?&x)(?<x>abc)",
											"\\Qab\\E(?#)*abc", "\\Qabc\\E\\E*abc" };

	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		assert_int_equal(ANALYSE(patterns[i], "abc").result, COVERAGE_UNKNOWN);
}

static void large_patterns_end(void **state)
{
	(void)state;
	assert_int_equal(ANALYSE("(?:[a-z]{1,500}/){1,500}abc", "abc").result, COVERAGE_FULL);
	assert_int_not_equal(ANALYSE("((((x{9}){99}){99}){99}){99}abc", "abc").result,
						 COVERAGE_PARTIAL);
	assert_int_not_equal(ANALYSE("(?:(?:){65535}){65535}abc", "abc").result, COVERAGE_PARTIAL);
}

/* ---- random patterns: what PCRE2 matches must be what coverage says ---- */

static void put_pattern(struct strbuf *out, int depth)
{
	static const char *const atoms[] = { "a",           "b",       "c",
										 "[ab]",        "[^a]",    ".",
										 "abc",         "\\w",     "(?i:B)",
										 "\\x61",       "(?=a)",   "[a-c]x",
										 "(?!b)",       "\\Qc\\E", "(?i:[^[:^lower:]])",
										 "[[:^upper:]]" };
	static const char *const counts[] = {
		"", "", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}?", "*+"
	};
	int items = 1 + rand() % 3;

	for (int i = 0; i < items; i++) {
		int kind = depth > 0 ? rand() % 5 : 0;

		if (kind < 3) {
			strbuf_puts(out, atoms[(size_t)rand() % (sizeof atoms / sizeof *atoms)]);
			if (out->data[out->size - 1] == 'E')
				continue;
		} else {
			strbuf_puts(out, kind == 3 ? "(?:" : "(");
			put_pattern(out, depth - 1);
			strbuf_putc(out, '|');
			put_pattern(out, depth - 1);
			strbuf_putc(out, ')');
		}
		if (rand() % 8 == 0)
			strbuf_puts(out, rand() % 2 ? "(?# c)" : "\\E");
		strbuf_puts(out, counts[(size_t)rand() % (sizeof counts / sizeof *counts)]);
	}
}

/* Is there a keyword from which the scan tries a match at the start of the text? */
static bool is_tried(struct span text, size_t bytes, struct span keyword,
					 const struct coverage *coverage, const struct pattern_head *tail)
{
	for (size_t at = coverage->lead_min; at + keyword.size <= bytes && at <= coverage->lead_max;
		 at++) {
		size_t end = at + keyword.size;

		if (span_equal(span_part(text, at, keyword.size), keyword) &&
			pattern_head_fits(tail, span_part(text, end, text.size - end)))
			return true;
	}
	return false;
}

static bool is_long(void)
{
	const char *text = getenv("DUMPCORE_LONG");

	return text && *text == '1';
}

/* Where the match limit runs out nothing can be learnt, and a pattern that runs away on one text
 * does so on most: only a long run tries the rest of them. */
static size_t check_random(const char *pattern, struct confirm *confirm,
						   struct confirm_thread *thread)
{
	struct pattern_head tails[MOST];
	struct coverage coverage = analyse(pattern, (const char *const[MOST]){ "abc" }, tails);
	size_t checked = 0;

	for (int round = 0; coverage.result == COVERAGE_FULL && round < 200; round++) {
		uint8_t text[24];
		struct match match;

		for (size_t i = 0; i < sizeof text; i++)
			text[i] = (uint8_t) "abcABx"[rand() % 6];
		memcpy(text + rand() % 20, "abc", 3);
		for (size_t start = 0; start < sizeof text; start++) {
			enum confirm_result result =
				confirm_at(confirm, thread, span_make(text, sizeof text), start, &match);

			if (result == CONFIRM_UNDECIDED && !is_long())
				return checked;
			if (result != CONFIRM_YES)
				continue;
			if (!is_tried(span_make(text + start, sizeof text - start), match.bytes,
						  span_string("abc"), &coverage, tails))
				fail_msg("%s on %.24s at %zu: lead %zu to %zu", pattern, (char *)text, start,
						 coverage.lead_min, coverage.lead_max);
			checked++;
		}
	}
	return checked;
}

static void random_patterns_agree_with_pcre2(void **state)
{
	struct confirm_thread *thread = confirm_thread_create();
	size_t checked = 0;

	(void)state;
	srand(5);
	for (int round = 0; round < 9000; round++) {
		struct strbuf pattern = { 0 };
		struct confirm_problem problem;
		struct confirm *confirm;

		put_pattern(&pattern, 2);
		if (rand() % 2)
			strbuf_puts(&pattern, "abc");
		confirm = confirm_create(strbuf_span(&pattern), &problem);
		if (confirm)
			checked += check_random(strbuf_text(&pattern), confirm, thread);
		confirm_destroy(confirm);
		strbuf_deinit(&pattern);
	}
	printf("# %zu matches compared\n", checked);
	assert_true(checked > 1000000);
	confirm_thread_destroy(thread);
}

/* Any bytes at all: no crash, no endless loop. */
static void random_bytes_end(void **state)
{
	static const char alphabet[] = "ab(|)[]{}\\?*+^$.:-=!<>PQEx0123,'#i \n&RC";

	(void)state;
	srand(6);
	for (int round = 0; round < 20000; round++) {
		char pattern[24];
		size_t size = (size_t)rand() % sizeof pattern;

		for (size_t i = 0; i < size; i++)
			pattern[i] = alphabet[(size_t)rand() % (sizeof alphabet)];
		pattern[size ? size - 1 : 0] = '\0';
		ANALYSE(pattern, "abc");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covered_patterns_tell_the_lead),
		cmocka_unit_test(uncovered_branches_are_named),
		cmocka_unit_test(bytes_behind_a_keyword_are_known),
		cmocka_unit_test(several_keywords_cover_together),
		cmocka_unit_test(what_is_not_known_stays_open),
		cmocka_unit_test(large_patterns_end),
		cmocka_unit_test(random_patterns_agree_with_pcre2),
		cmocka_unit_test(random_bytes_end),
	};

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
