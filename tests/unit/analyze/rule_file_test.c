#include "tests/unit/unit.h"

#include "analyze/rules/rule.h"
#include "base/file.h"
#include "tests/support/rule_text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "format: 1\nnamespace: t\nrules:\n"

/* A rule that is good, but for what a test changes. */
#define RULE "- id: a\n  title: T\n  keywords: [keyword]\n  pattern: 'keyword'\n"

static void check_messages(const char *file, const char *wanted)
{
	struct rule_text text;

	rule_text_load(&text, span_string(file));
	assert_non_null(text.set);
	/* source lines and carets only where the test shows them */
	assert_string_equal(strbuf_text(strstr(wanted, "^\n") ? &text.full : &text.all), wanted);
	rule_text_deinit(&text);
}

/* The worked example of the format's description, all of its keys. */
static const char example[] =
	"format: 1\n"
	"namespace: acme\n"
	"defaults: {author: platform, tags: [jvm], redact: hide}\n"
	"rules:\n"
	"- id: jar-entry\n"
	"  title: JAR entry header\n"
	"  severity: medium            # info low medium high critical\n"
	"  confidence: high\n"
	"  description: Local file header.\n"
	"  references: [\"https://example.com/APPNOTE.TXT\"]\n"
	"  remediation: Close JarFile.\n"
	"  keywords: [\"PK\\x03\\x04\"]\n"
	"  pattern: |\n"
	"    (?xs) PK\\x03\\x04 [\\x0a-\\x3f]\\x00 .{20} .. ..\n"
	"    (?<entry> (?:[\\w$-]{1,64}/){1,16} [\\w$.+-]{1,128} )\n"
	"  scan: {anchor: any, within: chunk, states: [in-use, free], size: 64.., max_length: 4096}\n"
	"  validate: [zip_local_header]\n"
	"  extent: validator\n"
	"  priority: 700\n"
	"  aggregate: {by: entry, transform: {dirname: 3}, top: 50, max_keys: 10000}\n"
	"  redact: {entry: show}\n"
	"  tests:\n"
	"  - name: none\n"
	"    hex: \"504b0304 1400\"\n"
	"    expect: none\n"
	"- id: zlib-inflate\n"
	"  title: live zlib inflate stream\n"
	"  structure:\n"
	"  - {at: 0, type: ptr, to: mapped}\n"
	"  - {at: 8, type: u32, in: 16180..16211}\n"
	"  - {at: 72, type: ptr, to: chunk-start, size: 272..32800, null: true, claim: true}\n"
	"  scan: {anchor: chunk-start, states: [in-use], size: 7152..7184, when: {arch: x86_64}}\n"
	"  extent: chunk\n"
	"  priority: 900\n"
	"  tests:\n"
	"  - {name: live, size: 7168, words: {0: \"@0\", 8: 16202, 72: 0}, expect: match}\n";

static void every_key_is_read(void **state)
{
	struct rule_text text;
	const struct rule *rule;

	(void)state;
	rule_text_load(&text, span_string(example));
	assert_string_equal(strbuf_text(&text.all), "");
	assert_int_equal(rule_set_count(text.set), 2);
	rule = &text.set->rules.items[0];
	assert_string_equal(rule->id, "acme.jar-entry");
	assert_string_equal(rule->author, "platform");
	assert_string_equal(rule->tags.items[0], "jvm");
	assert_int_equal(rule->confidence, CONFIDENCE_HIGH);
	assert_int_equal(rule->priority, 700);
	assert_int_equal(rule->scan.sizes.min, 64);
	assert_int_equal(rule->scan.sizes.max, UINT64_MAX);
	assert_int_equal(rule->scan.max_length, 4096);
	assert_int_equal(rule->extent, RULE_EXTENT_VALIDATOR);
	assert_int_equal(rule->aggregate.top, 50);
	assert_int_equal(rule->aggregate.steps[0].number, 3);
	assert_true(rule_shows(rule, "entry"));
	assert_int_equal(rule->lead_max, 0);
	rule = &text.set->rules.items[1];
	assert_int_equal(rule->structure.words.count, 3);
	assert_int_equal(rule->structure.bytes, 80);
	assert_true(rule->structure.words.items[2].claim);
	assert_int_equal(rule->scan.states, 1u << CHUNK_IN_USE | 1u << CHUNK_MMAPPED);
	assert_int_equal(rule->tests.items[0].size, 7168);
	rule_text_deinit(&text);
}

/* What a wrong file gets: line and column, a code, the next step. */
static void schema_errors_have_their_place(void **state)
{
	(void)state;
	check_messages(HEAD RULE "  keyword: [abc]\n",
				   "FILE:8:3: error[R002] rule 't.a': unknown key 'keyword'; did you mean "
				   "'keywords'?\n");
	check_messages(HEAD RULE "  severity: hgih\n",
				   "FILE:8:13: error[R011] rule 't.a': 'hgih' is not one of info, low, medium, "
				   "high, critical; did "
				   "you mean 'high'?\n");
	check_messages(HEAD "- id: A_b\n  title: T\n  pattern: abc\n",
				   "FILE:4:7: error[R012] rule 't.A_b': id 'A_b' must be 1 to 64 of a-z, 0-9, '.' "
				   "and '-', not starting with '.' or '-'\n");
	check_messages(HEAD "- id: a\n  pattern: abc\n",
				   "FILE:4:3: error[R006] rule 't.a': a rule needs 'title'\n");
	check_messages(HEAD RULE "  priority: lots\n",
				   "FILE:8:13: error[R005] rule 't.a': priority: 'lots' is no number\n");
	check_messages(HEAD RULE "  priority: 9999999999\n",
				   "FILE:8:13: error[R007] rule 't.a': priority must be from 0 to 1000000\n");
	check_messages(HEAD RULE "  scan: {size: 9..3}\n",
				   "FILE:8:16: error[R005] rule 't.a': '9..3' is no range; write 8, 8..15, 64.. or "
				   "..4K\n");
	check_messages(HEAD RULE "  scan: any\n",
				   "FILE:8:9: error[R005] rule 't.a': scan must be a map of keys, not a single "
				   "value\n");
	check_messages(
		HEAD RULE "  validate: [zip_local_heade]\n",
		"FILE:8:14: error[R041] rule 't.a': no validator 'zip_local_heade'; did you mean "
		"'zip_local_header'?\n");
	check_messages(HEAD RULE "  aggregate: {by: x, transform: {dirnam: 3}}\n",
				   "FILE:8:19: error[R040] rule 't.a': no capture 'x'; the pattern has: none\n"
				   "FILE:8:34: error[R011] rule 't.a': 'dirnam' is not one of dirname, prefix, "
				   "lower, digits, ids, sql; did you mean 'dirname'?\n");
	check_messages(HEAD RULE "  tests: [{name: a, hex: 0g, expect: none}]\n",
				   "FILE:8:27: error[R005] rule 't.a': hex takes digits 0-9, a-f and blanks\n"
				   "  8 |   tests: [{name: a, hex: 0g, expect: none}]\n"
				   "    |                           ^\n");
}

static void the_file_itself_is_checked(void **state)
{
	(void)state;
	check_messages("", "FILE:1:1: error[R001] the file is empty\n");
	check_messages("[a]\n",
				   "FILE:1:1: error[R005] a rule file must be a map of keys, not a list\n");
	check_messages("namespace: t\n", "FILE:1:1: error[R006] a rule file needs 'format'\n");
	check_messages("format: 2\nnamespace: t\n",
				   "FILE:1:9: error[R008] this program reads format 1 only; a later one may be "
				   "needed\n");
	check_messages("format: 1\n", "FILE:1:1: error[R006] a rule file needs 'namespace'\n");
	check_messages("format: 1\nnamespace: t\nrule: []\n",
				   "FILE:3:1: error[R002] unknown key 'rule'; did you mean 'rules'?\n");
}

static void yaml_that_hides_things_is_refused(void **state)
{
	(void)state;
	check_messages("format: 1\nnamespace: &x t\n",
				   "FILE:2:12: error[R004] anchors and tags are not allowed\n"
				   "  2 | namespace: &x t\n"
				   "    |            ^\n");
	check_messages("format: 1\nnamespace: *x\n", "FILE:2:12: error[R004] aliases are not allowed\n"
												 "  2 | namespace: *x\n"
												 "    |            ^\n");
	check_messages("format: !!int 1\nnamespace: t\n",
				   "FILE:1:9: error[R004] anchors and tags are not allowed\n"
				   "  1 | format: !!int 1\n"
				   "    |         ^\n");
	/* libyaml takes a minute for a file of them, so it must not see them */
	check_messages("format: 1\n...\n%TAG !a! x\n",
				   "FILE:3:1: error[R004] anchors and tags are not allowed\n"
				   "  3 | %TAG !a! x\n"
				   "    | ^\n");
	check_messages(HEAD RULE "  title: again\n", "FILE:8:3: error[R003] duplicate key 'title'\n");
	check_messages("format: 1\nnamespace: t\n---\nformat: 1\n",
				   "FILE:3:1: error[R001] a rule file is one YAML document\n"
				   "  3 | ---\n"
				   "    | ^\n");
}

static void a_map_has_a_limit(void **state)
{
	enum { KEYS = 1024 };
	struct strbuf file = { 0 };
	struct rule_text text;

	(void)state;
	strbuf_puts(&file, HEAD RULE "override:\n");
	for (int i = 0; i <= KEYS; i++)
		strbuf_printf(&file, "  t.x%d: {priority: 1}\n", i);
	rule_text_load(&text, strbuf_span(&file));
	assert_non_null(strstr(strbuf_text(&text.all),
						   ":12: error[R009] the map holds more keys than a rule file may"));
	assert_int_equal(rule_set_count(text.set), 1);
	rule_text_deinit(&text);
	strbuf_deinit(&file);
}

static void a_bad_rule_disables_only_itself(void **state)
{
	struct rule_text text;

	(void)state;
	rule_text_load(&text, span_string(HEAD RULE "- id: b\n  title: T\n  severity: no\n"
												"- id: c\n  title: T\n  title: T\n"
												"- id: d\n  title: T\n  keywords: [keyword]\n"
												"  pattern: keyword\n"));
	assert_int_equal(rule_set_count(text.set), 2);
	assert_string_equal(text.set->rules.items[0].id, "t.a");
	assert_string_equal(text.set->rules.items[1].id, "t.d");
	rule_text_deinit(&text);
}

/* What stands before a syntax error is kept. */
static void a_syntax_error_keeps_the_rules_before_it(void **state)
{
	struct rule_text text;

	(void)state;
	rule_text_load(&text, span_string(HEAD RULE "- id: b\n  title: \"T\n"));
	assert_int_equal(rule_set_count(text.set), 1);
	assert_int_equal(text.messages.count, 1);
	assert_non_null(strstr(strbuf_text(&text.all), "error[R001]"));
	rule_text_deinit(&text);
}

/* Offsets in a pattern lead to the file's line and column, whatever the style. */
static void pattern_errors_point_into_the_file(void **state)
{
	(void)state;
	check_messages(HEAD "- id: a\n  title: T\n  keywords: [abc]\n  pattern: |\n"
						"    abc\n"
						"      (?<x> d\n",
				   "FILE:9:14: error[R020] rule 't.a': missing closing parenthesis\n"
				   "  9 |       (?<x> d\n"
				   "    |              ^\n");
	check_messages(HEAD "- id: a\n  title: T\n  keywords: [abc]\n  pattern: 'it''s [z-a]'\n",
				   "FILE:7:22: error[R020] rule 't.a': range out of order in character class\n"
				   "  7 |   pattern: 'it''s [z-a]'\n"
				   "    |                      ^\n");
	check_messages(HEAD
				   "- id: a\n  title: T\n  keywords: [abc]\n  pattern: \"\\x61\\u00e4[z-a]\"\n",
				   "FILE:7:26: error[R020] rule 't.a': range out of order in character class\n"
				   "  7 |   pattern: \"\\x61\\u00e4[z-a]\"\n"
				   "    |                          ^\n");
	check_messages(HEAD "- id: a\n  title: T\n  keywords: [abc]\n  pattern: abc(?C)\n",
				   "FILE:7:15: error[R022] rule 't.a': callouts are not allowed\n"
				   "  7 |   pattern: abc(?C)\n"
				   "    |               ^\n");
}

/* A tab takes two columns as it is shown, and one of the line; so does a letter of two bytes. */
static void carets_stand_below_their_byte(void **state)
{
	(void)state;
	check_messages(HEAD "- id: a\n  title: T\n  keywords: [abc]\n  pattern: |\n"
						"    (?x)\tabc \xc3\xa9\t[z-a]\n",
				   "FILE:8:19: error[R020] rule 't.a': range out of order in character class\n"
				   "  8 |     (?x)\\tabc \xc3\xa9\\t[z-a]\n"
				   "    |                     ^\n");
}

static void all_errors_of_a_rule_are_told_at_once(void **state)
{
	(void)state;
	check_messages(
		HEAD "- id: a\n  title: T\n  keywords: [ab, abc, \"  \"]\n  pattern: 'abc('\n"
			 "  severity: hgih\n  scan: {states: [inuse, frei]}\n  validate: [x, y]\n"
			 "  tests: [{name: t}, {name: u}]\n",
		"FILE:6:14: error[R030] rule 't.a': keyword of 2 bytes; it needs at least 3 to be "
		"worth a search\n"
		"FILE:6:23: error[R030] rule 't.a': keyword of 2 bytes; it needs at least 3 to be "
		"worth a search\n"
		"FILE:7:17: error[R020] rule 't.a': missing closing parenthesis\n"
		"FILE:8:13: error[R011] rule 't.a': 'hgih' is not one of info, low, medium, high, "
		"critical; did you mean 'high'?\n"
		"FILE:9:19: error[R011] rule 't.a': 'inuse' is not one of in-use, mmapped, live, "
		"free, tcache, fastbin, binned, top; did you mean 'in-use'?\n"
		"FILE:9:26: error[R011] rule 't.a': 'frei' is not one of in-use, mmapped, live, "
		"free, tcache, fastbin, binned, top; did you mean 'free'?\n"
		"FILE:10:14: error[R041] rule 't.a': no validator 'x'\n"
		"FILE:10:17: error[R041] rule 't.a': no validator 'y'\n"
		"FILE:11:11: error[R006] rule 't.a': a test needs 'expect'\n"
		"FILE:11:22: error[R006] rule 't.a': a test needs 'expect'\n");
	/* what hangs on a part that is not there is not told */
	check_messages(HEAD "- id: a\n  title: T\n  keywords: [abc]\n  patern: 'abc'\n",
				   "FILE:7:3: error[R002] rule 't.a': unknown key 'patern'; did you mean "
				   "'pattern'?\n");
}

static void parts_must_fit_together(void **state)
{
	(void)state;
	check_messages(
		HEAD "- id: a\n  title: T\n",
		"FILE:4:7: error[R024] rule 't.a': a rule has either a pattern or a structure\n");
	check_messages(HEAD "- id: a\n  title: T\n  pattern: abc\n",
				   "FILE:6:12: error[R033] rule 't.a': no keyword; a pattern needs keywords, "
				   "anchor: chunk-start or slow: true\n");
	check_messages(
		HEAD "- id: a\n  title: T\n  keywords: [ab]\n  pattern: abc\n",
		"FILE:6:14: error[R030] rule 't.a': keyword of 2 bytes; it needs at least 3 to be "
		"worth a search\n");
	check_messages(HEAD "- id: a\n  title: T\n  keywords: [\"\\0\\0 \"]\n  pattern: abc\n",
				   "FILE:6:14: error[R032] rule 't.a': keyword of nothing but 00, ff and blanks is "
				   "in every heap\n");
	check_messages(
		HEAD "- id: a\n  title: T\n  keywords: [\"\\xca\\xfe\\xba\"]\n  pattern: abc\n",
		"FILE:6:14: error[R032] rule 't.a': a \\x80 to \\xff escape is a character of two "
		"bytes in YAML; write {hex: \"ca fe\"} for bytes\n");
	check_messages(HEAD RULE "  aggregate: {by: evnt}\n",
				   "FILE:8:19: error[R040] rule 't.a': no capture 'evnt'; the pattern has: none\n");
	check_messages(
		HEAD "- id: a\n  title: T\n  keywords: [key]\n  pattern: key(?<event>.)\n"
			 "  redact: {evnt: show}\n",
		"FILE:8:12: error[R040] rule 't.a': no capture 'evnt'; the pattern has: event; did you "
		"mean 'event'?\n");
	check_messages(HEAD RULE "  extent: validator\n",
				   "FILE:8:11: error[R044] rule 't.a': extent: validator needs a validator\n");
	check_messages(
		HEAD "- id: a\n  title: T\n  structure: [{at: 0, type: u8, null: true}]\n",
		"FILE:6:15: error[R042] rule 't.a': to, null, back and claim are for type: ptr\n");
	check_messages(HEAD
				   "- id: a\n  title: T\n  structure: [{at: 0, type: ptr, to: self, header: 8}]\n",
				   "FILE:6:15: error[R042] rule 't.a': header goes with to: chunk-start\n");
}

#define CONTENT_RULE(word, rest) \
	HEAD "- id: a\n  title: T\n  structure:\n  - {at: 0, type: ptr, " word "}\n" rest

static void content_must_be_claimed_and_known(void **state)
{
	(void)state;
	check_messages(CONTENT_RULE("to: chunk-start, claim: true, content: zlib_window",
								"  aggregate: {by: origin}\n  redact: {class: show}\n"),
				   "");
	check_messages(CONTENT_RULE("to: chunk-start, content: zlib_window", ""),
				   "FILE:7:5: error[R042] rule 't.a': content goes with claim only\n");
	check_messages(CONTENT_RULE("to: chunk-start, claim: true, content: window", ""),
				   "FILE:7:63: error[R011] rule 't.a': 'window' is not one of zlib_window\n");
	check_messages(
		CONTENT_RULE("to: chunk-start, claim: true, content: zlib_window",
					 "  - {at: 8, type: ptr, to: mapped, claim: true, content: zlib_window}\n"),
		"FILE:8:5: error[R042] rule 't.a': another word of the structure has content already\n");
	check_messages(
		CONTENT_RULE("to: chunk-start, claim: true", "  aggregate: {by: origin}\n"),
		"FILE:8:19: error[R040] rule 't.a': no capture 'origin'; the structure has: none\n");
}

static void uncovered_branches_are_refused(void **state)
{
	(void)state;
	check_messages(HEAD "- id: a\n  title: T\n  keywords: ['42[\"']\n  pattern: |\n"
						"    4 (?: 2\\[\" | 5\\d{1,2}- )\n",
				   "FILE:8:5: error[R031] rule 't.a': the pattern can match without a keyword: "
				   "'4  500- '; such matches would be lost silently\n"
				   "  8 |     4 (?: 2\\[\" | 5\\d{1,2}- )\n"
				   "    |     ^\n");
	check_messages(HEAD "- id: a\n  title: T\n  keywords: ['42[\"']\n  pattern: |\n"
						"    (?x) 4 (?: 2\\[\" | 5\\d{1,2}- )\n",
				   "FILE:8:23: error[R031] rule 't.a': branch '5\\d{1,2}-' contains no keyword; "
				   "those matches would be lost silently: '4500-'\n"
				   "  8 |     (?x) 4 (?: 2\\[\" | 5\\d{1,2}- )\n"
				   "    |                       ^\n");
}

/* ---- mutations of the shipped files ---- */

static void load_and_drop(struct span bytes)
{
	struct rule_text text;

	rule_text_load(&text, bytes);
	assert_non_null(text.set);
	rule_text_deinit(&text);
}

static void mutate(struct strbuf *file, size_t rounds)
{
	for (size_t cut = 0; cut < file->size; cut += 1 + file->size / 60)
		load_and_drop(span_make(file->data, cut));
	for (size_t round = 0; round < rounds; round++) {
		size_t at = (size_t)rand() % file->size;
		char old = file->data[at];

		file->data[at] =
			(char)(round % 2 ? old ^ (1 << rand() % 8) : " :-{}[],'\"|>&*!%#\n\t\\0"[rand() % 21]);
		load_and_drop(strbuf_span(file));
		if (round % 8)
			file->data[at] = old;
	}
}

static void mutated_files_cost_messages_only(void **state)
{
	static const char *const files[] = { "rules/archives.yml",    "rules/jvm.yml",
										 "rules/crypto.yml",      "rules/web.yml",
										 "rules/compression.yml", "rules/allocators.yml",
										 "rules/databases.yml",   "rules/languages.yml",
										 "rules/media.yml",       "rules/text.yml",
										 "rules/wire.yml" };

	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct strbuf file = { 0 };
		struct err err = { 0 };

		assert_true(file_read(AT_FDCWD, files[i], 1 << 20, &file, &err));
		mutate(&file, getenv("DUMPCORE_LONG") ? 150 : 40);
		strbuf_deinit(&file);
	}
}

static void random_bytes_cost_messages_only(void **state)
{
	(void)state;
	srand(2);
	for (int round = 0; round < 400; round++) {
		uint8_t bytes[64];

		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)rand();
		load_and_drop(span_make(bytes, (size_t)rand() % sizeof bytes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(schema_errors_have_their_place),
		cmocka_unit_test(the_file_itself_is_checked),
		cmocka_unit_test(yaml_that_hides_things_is_refused),
		cmocka_unit_test(a_map_has_a_limit),
		cmocka_unit_test(a_bad_rule_disables_only_itself),
		cmocka_unit_test(a_syntax_error_keeps_the_rules_before_it),
		cmocka_unit_test(pattern_errors_point_into_the_file),
		cmocka_unit_test(carets_stand_below_their_byte),
		cmocka_unit_test(all_errors_of_a_rule_are_told_at_once),
		cmocka_unit_test(parts_must_fit_together),
		cmocka_unit_test(content_must_be_claimed_and_known),
		cmocka_unit_test(uncovered_branches_are_refused),
		cmocka_unit_test(mutated_files_cost_messages_only),
		cmocka_unit_test(random_bytes_cost_messages_only),
	};

	return cmocka_run_group_tests_name("rule_file", tests, NULL, NULL);
}
