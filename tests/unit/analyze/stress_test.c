#include "tests/unit/unit.h"

#include "analyze/content/stress.h"
#include "analyze/rules/rule.h"
#include "tests/support/rule_text.h"

static void patterns_that_run_away_are_known(void **state)
{
	static const struct {
		const char *pattern;
		bool runs_away;
	} cases[] = {
		{ "(?:[a-z]{1,100}){1,3}[\\x01\\x02]", true },
		{ "(a+)+$", true },
		{ "(x+x+)+y", true },
		{ ".*.*.*=", true },
		{ "(?s).*.*\\x01\\x02", true },
		{ "(?:a|aa)+[bc]\\x01", true },
		{ "(?:[a-z]|[a-m]|0)+!", true },
		{ "(?:\\w+\\s?)*;\\x01", true },
		{ "(?s)(?:.*a){5}\\x01", true },
		{ "\\d+\\d+\\d+[^\\d]\\x01", true },
		{ "[\\x20-\\x7e]{16,}", false },
		{ "(?:[^\"\\\\]|\\\\.){1,128}\"", false },
		{ "(?s)PK\\x03\\x04.{26}", false },
		{ "[a-z]++[0-9]", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strbuf text = { 0 };
		struct rule_text rules;
		const struct rule *rule;

		strbuf_printf(&text, "- id: a\n  title: T\n  slow: true\n  pattern: '%s'\n",
					  cases[i].pattern);
		rule_text_load_rule(&rules, strbuf_text(&text));
		assert_string_equal(strbuf_text(&rules.all), "");
		rule = &rules.set->rules.items[0];
		if (stress_runs_away(rule) != cases[i].runs_away)
			fail_msg("%s: taken for one that %s", cases[i].pattern,
					 cases[i].runs_away ? "ends" : "runs away");
		if (cases[i].runs_away && !stress_run(rule).undecided)
			fail_msg("%s: not refused by a check", cases[i].pattern);
		rule_text_deinit(&rules);
		strbuf_deinit(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_that_run_away_are_known),
	};

	return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
