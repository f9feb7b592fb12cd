#include "tests/unit/unit.h"

#include "analyze/author/rule_test.h"
#include "analyze/rules/rule_set.h"
#include "analyze/author/samples.h"
#include "tests/support/rule_text.h"

#include <string.h>

#define RULE                                       \
	"- id: a\n  title: T\n  keywords: ['42[\"']\n" \
	"  pattern: '42\\[\"(?<event>\\w+)\"[\\],]'\n  aggregate: {by: event, transform: lower}\n"

static void check(const char *rule, const char *wanted)
{
	struct rule_text text;
	struct strbuf out = { 0 };
	const char *line;

	rule_text_load_sound(&text, rule);
	rule_set_test(text.set, &out);
	line = strstr(strbuf_text(&out), "error");
	line = line ? line : strbuf_text(&out);
	if (strncmp(line, wanted, strlen(wanted)) != 0)
		fail_msg("wanted: %s\ngot: %s", wanted, line);
	strbuf_deinit(&out);
	rule_text_deinit(&text);
}

static void good_samples_pass(void **state)
{
	(void)state;
	check(RULE "  tests:\n"
			   "  - {name: a, text: 'x42[\"Kick\"]', expect: {event: Kick, key: kick, bytes: 10}}\n"
			   "  - {name: b, hex: 3432 5b226122 5d, expect: match}\n"
			   "  - {name: c, text: '42[\"\"]', expect: none}\n",
		  "1 rule, 3 tests passed, 0 failed\n");
}

/* A pointer of a 32-bit target has four bytes, and chunks a header of eight. */
static void samples_stand_in_a_target_the_rule_is_about(void **state)
{
	(void)state;
	check("- id: s\n  title: T\n  structure: [{at: 0, type: ptr, to: self}, {at: 4, type: u8, in: "
		  "7}]\n"
		  "  scan: {anchor: chunk-start, when: {word: 32}}\n  tests:\n"
		  "  - {name: a, size: 32, words: {0: '@4', 4: 7}, expect: match}\n"
		  "  - {name: b, size: 32, words: {0: '@4', 4: 8}, expect: none}\n",
		  "1 rule, 2 tests passed, 0 failed\n");
	check("- id: s\n  title: T\n  structure: [{at: 0, type: ptr, to: self}, {at: 8, type: u8, in: "
		  "7}]\n"
		  "  scan: {anchor: chunk-start, when: {word: 64}}\n  tests:\n"
		  "  - {name: a, size: 32, words: {0: '@8', 8: 7}, expect: match}\n"
		  "  - {name: b, size: 32, words: {0: '@8', 8: 8}, expect: none}\n",
		  "1 rule, 2 tests passed, 0 failed\n");
}

static void wrong_samples_say_what_was_seen(void **state)
{
	(void)state;
	check(RULE "  tests: [{name: n, text: '42[\"x\"]', expect: {event: kick}}]\n",
		  "error[R050] rule 't.a': test 'n': matched, but event='x', want 'kick'\n");
	check(RULE "  tests: [{name: n, text: '42[\"x\"]', expect: none}]\n",
		  "error[R050] rule 't.a': test 'n': matched 7 bytes from +0, want none\n");
	check(RULE "  tests: [{name: n, text: '42[\"x\"', expect: match}]\n",
		  "error[R050] rule 't.a': test 'n': did not match: the pattern got as far "
		  "as +6, where a NUL stands, and wanted [\\],] (line 7, column 32)\n"
		  "  9 |   tests: [{name: n, text: '42[\"x\"', expect: match}]\n"
		  "    |           ^\n"
		  "t.a: 1 of 1 tests failed\n"
		  "1 rule, 0 tests passed, 1 failed\n");
	check(RULE "  tests: [{name: n, text: '42[\"x\"]', expect: {bytes: 6}}]\n",
		  "error[R050] rule 't.a': test 'n': matched, but bytes='7', want '6'\n");
}

/* A pattern beyond the coverage reader: the tests show what the keywords would lose. */
static void the_prefilter_is_compared(void **state)
{
	(void)state;
	check("- id: a\n  title: T\n  keywords: [keyword]\n"
		  "  pattern: '(?<x>a)(?(<x>)b|c)'\n"
		  "  tests: [{name: n, text: ab, expect: match}]\n",
		  "error[R050] rule 't.a': test 'n': did not match: none of the rule's keywords "
		  "stands in the chunk (only with the prefilter: no keyword "
		  "found it)\n");
}

static void structures_are_laid_out(void **state)
{
	(void)state;
	check(
		"- id: s\n  title: T\n  extent: chunk\n"
		"  scan: {anchor: chunk-start, states: [in-use], size: 64..256}\n"
		"  structure:\n"
		"  - {at: 0, type: ptr, to: chunk-start, size: 128, back: 56}\n"
		"  - {at: 8, type: u16, in: 7}\n"
		"  - {at: 16, type: ptr, to: self, in: 8..32}\n"
		"  - {at: 24, type: ptr, to: free, null: true, claim: 64}\n"
		"  tests:\n"
		"  - {name: a, size: 64, words: {0: 'chunk:128@56', 8: 7, 16: '@8'}, expect: {bytes: 64}}\n"
		"  - {name: b, size: 64, words: {0: 'chunk:128@56', 8: 7, 16: '@8', 24: 'free:96'}, "
		"expect: match}\n"
		"  - {name: c, size: 64, words: {0: 'chunk:128', 8: 7, 16: '@8'}, expect: none}\n"
		"  - {name: d, size: 64, words: {0: 'chunk:144@56', 8: 7, 16: '@8'}, expect: none}\n"
		"  - {name: e, size: 64, words: {0: 'chunk:128@56', 8: 8, 16: '@8'}, expect: none}\n"
		"  - {name: f, size: 64, words: {0: 'chunk:128@56', 8: 7, 16: '@33'}, expect: none}\n"
		"  - {name: g, size: 64, words: {0: 'chunk:128@56', 8: 7, 16: '@8', 24: 'chunk:96'}, "
		"expect: none}\n"
		"  - {name: h, size: 272, words: {0: 'chunk:128@56', 8: 7, 16: '@8'}, expect: none}\n",
		"1 rule, 8 tests passed, 0 failed\n");
}

/* A chunk with a header of the program's own: the pointer leads behind it, and so does what points
 * back. */
static void pointers_may_lead_behind_a_header(void **state)
{
	(void)state;
	check("- id: s\n  title: T\n  extent: chunk\n"
		  "  scan: {anchor: chunk-start, states: [in-use], size: 64..256}\n"
		  "  structure: [{at: 0, type: ptr, to: chunk-start, size: 128, header: 16, back: 56}]\n"
		  "  tests:\n"
		  "  - {name: a, size: 64, words: {0: 'chunk:128+16@56'}, expect: match}\n"
		  "  - {name: b, size: 64, words: {0: 'chunk:128@56'}, expect: none}\n"
		  "  - {name: c, size: 64, words: {0: 'chunk:128+8@56'}, expect: none}\n"
		  "  - {name: d, size: 64, words: {0: 'chunk:128+16'}, expect: none}\n"
		  "  - {name: e, size: 64, words: {0: 'chunk:128+16@48'}, expect: none}\n",
		  "1 rule, 5 tests passed, 0 failed\n");
}

/* A rule for free chunks is tried in a free chunk. */
static void the_chunk_has_a_state_the_rule_looks_at(void **state)
{
	(void)state;
	check("- id: a\n  title: T\n  keywords: [abc]\n  pattern: abc\n"
		  "  scan: {states: [binned], size: 256..}\n"
		  "  tests: [{name: n, text: abc, expect: match}]\n",
		  "1 rule, 1 test passed, 0 failed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_samples_pass),
		cmocka_unit_test(samples_stand_in_a_target_the_rule_is_about),
		cmocka_unit_test(wrong_samples_say_what_was_seen),
		cmocka_unit_test(the_prefilter_is_compared),
		cmocka_unit_test(structures_are_laid_out),
		cmocka_unit_test(pointers_may_lead_behind_a_header),
		cmocka_unit_test(the_chunk_has_a_state_the_rule_looks_at),
	};

	return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
