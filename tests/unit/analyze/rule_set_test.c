#include "tests/unit/unit.h"

#include "analyze/author/rule_list.h"
#include "analyze/author/rule_check.h"
#include "analyze/author/rule_test.h"
#include "analyze/rules/rule.h"
#include "analyze/rules/rule_set.h"
#include "base/file.h"
#include "tests/support/rule_text.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of rule files. */
struct folder {
	char path[64];
	struct rule_set *set;
	rule_messages messages;
	struct err err;
};

static int setup(void **state)
{
	static struct folder folder;

	folder = (struct folder){ .path = "/tmp/rule_set_test.XXXXXX" };
	assert_non_null(mkdtemp(folder.path));
	*state = &folder;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "10-a.yml", "20-b.yaml", "30-c.yml", "readme.txt",
										 ".hidden.yml" };
	struct folder *folder = *state;
	char path[128];

	rule_set_destroy(folder->set);
	vec_deinit(&folder->messages);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
		unlink(path);
	}
	return rmdir(folder->path);
}

static void put_file(const struct folder *folder, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder->path, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_true(file_write(fd, text, strlen(text)));
	close(fd);
}

static void load(struct folder *folder)
{
	const char *paths[] = { folder->path };

	folder->set = rule_set_create(paths, 1, &folder->messages, &folder->err);
}

#define RULE(id) "- {id: " id ", title: T, keywords: [keyword], pattern: keyword}\n"

/* As editors of Windows write them. */
static void a_byte_order_mark_is_left_out(void **state)
{
	struct folder *folder = *state;

	put_file(folder, "10-a.yml",
			 "\xef\xbb\xbf"
			 "format: 1\r\nnamespace: a\r\nrules:\r\n" RULE("x"));
	load(folder);
	assert_non_null(folder->set);
	assert_int_equal(folder->messages.count, 0);
	assert_int_equal(folder->set->rules.count, 1);
}

/* Nobody writes to it: whoever opens it waits for ever. */
static void a_pipe_in_a_folder_is_refused(void **state)
{
	struct folder *folder = *state;
	char path[128];

	snprintf(path, sizeof path, "%s/10-a.yml", folder->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	load(folder);
	assert_null(folder->set);
	assert_non_null(strstr(folder->err.what, "10-a.yml is no regular file"));
}

static void files_load_by_name(void **state)
{
	struct folder *folder = *state;

	put_file(folder, "20-b.yaml", "format: 1\nnamespace: b\nrules:\n" RULE("x"));
	put_file(folder, "10-a.yml", "format: 1\nnamespace: a\nrules:\n" RULE("x") RULE("y"));
	put_file(folder, "readme.txt", "no rules: [");
	put_file(folder, ".hidden.yml", "no rules: [");
	load(folder);
	assert_int_equal(folder->messages.count, 0);
	assert_int_equal(rule_set_count(folder->set), 3);
	assert_string_equal(folder->set->rules.items[0].id, "a.x");
	assert_string_equal(folder->set->rules.items[2].id, "b.x");
	/* the three share one literal */
	assert_int_equal(folder->set->literals.count, 1);
	assert_int_equal(folder->set->literals.items[0].uses.count, 3);
}

static void later_files_disable_and_override(void **state)
{
	struct folder *folder = *state;

	put_file(folder, "10-a.yml", "format: 1\nnamespace: a\nrules:\n" RULE("x") RULE("y") RULE("z"));
	put_file(folder, "30-c.yml",
			 "format: 1\nnamespace: c\ndisable: [a.x]\n"
			 "override: {a.y: {severity: critical, title: New}, a.z: {severity: worse}}\n");
	load(folder);
	assert_int_equal(rule_set_count(folder->set), 2);
	assert_string_equal(folder->set->rules.items[0].id, "a.y");
	assert_int_equal(folder->set->rules.items[0].severity, SEVERITY_CRITICAL);
	assert_string_equal(folder->set->rules.items[0].title, "New");
	/* a wrong override leaves its rule alone */
	assert_int_equal(folder->set->rules.items[1].severity, SEVERITY_MEDIUM);
	assert_int_equal(folder->messages.count, 1);
	assert_non_null(
		strstr(folder->messages.items[0].text, "30-c.yml:4:67: error[R011] rule 'a.z'"));
}

static void unknown_ids_are_told(void **state)
{
	struct folder *folder = *state;

	put_file(folder, "10-a.yml",
			 "format: 1\nnamespace: a\nrules:\n" RULE(
				 "jar-entry") "disable: [jar-entri]\noverride: {a.jar-entry2: {priority: 1}}\n");
	load(folder);
	assert_int_equal(rule_set_count(folder->set), 1);
	assert_int_equal(folder->messages.count, 2);
	assert_false(folder->messages.items[0].is_error);
	assert_non_null(strstr(folder->messages.items[0].text,
						   ":5:11: warning[W070] no rule 'jar-entri' to disable; did you mean "
						   "'a.jar-entry'?"));
	assert_non_null(strstr(folder->messages.items[1].text, "no rule 'a.jar-entry2' to override"));
}

static void an_id_of_the_own_namespace_is_enough(void **state)
{
	struct folder *folder = *state;

	put_file(folder, "10-a.yml",
			 "format: 1\nnamespace: a\nrules:\n" RULE("x") RULE("y") "disable: [x]\n");
	load(folder);
	assert_int_equal(rule_set_count(folder->set), 1);
	assert_string_equal(folder->set->rules.items[0].id, "a.y");
}

static void the_second_of_two_ids_is_refused(void **state)
{
	struct folder *folder = *state;
	char wanted[384];

	put_file(folder, "10-a.yml", "format: 1\nnamespace: a\nrules:\n" RULE("x"));
	put_file(folder, "20-b.yaml", "format: 1\nnamespace: a\nrules:\n" RULE("y") RULE("x"));
	load(folder);
	assert_int_equal(rule_set_count(folder->set), 2);
	snprintf(wanted, sizeof wanted,
			 "%s/20-b.yaml:5:3: error[R010] duplicate id 'a.x' (first at %s/10-a.yml:4:3)\n"
			 "  5 | - {id: x, title: T, keywords: [keyword], pattern: keyword}\n"
			 "    |   ^",
			 folder->path, folder->path);
	assert_int_equal(folder->messages.count, 1);
	assert_string_equal(folder->messages.items[0].text, wanted);
}

static void an_empty_file_is_told_behind_a_bad_one(void **state)
{
	struct folder *folder = *state;

	put_file(folder, "10-a.yml", "format: 2\nnamespace: a\n");
	put_file(folder, "20-b.yaml", "");
	load(folder);
	assert_int_equal(folder->messages.count, 2);
	assert_non_null(
		strstr(folder->messages.items[1].text, "/20-b.yaml:1:1: error[R001] the file is empty"));
}

static void paths_that_cannot_be_read_are_errors(void **state)
{
	struct folder *folder = *state;
	const char *missing[] = { "/nonexistent/rules.yml" };

	assert_null(rule_set_create(missing, 1, &folder->messages, &folder->err));
	assert_int_equal(folder->err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(folder->err.what, "/nonexistent/rules.yml"));
	assert_true(folder->err.hint[0]);
	load(folder); /* an empty folder */
	assert_null(folder->set);
	assert_int_equal(folder->err.kind, ERR_NOT_FOUND);
}

static void the_list_is_a_table_or_json(void **state)
{
	struct folder *folder = *state;
	struct strbuf out = { 0 };
	json_t *json;

	put_file(folder, "10-a.yml",
			 "format: 1\nnamespace: a\nrules:\n- {id: x, title: \"T\\e[1m\", keywords: [keyword], "
			 "pattern: keyword, tags: [u, v]}\n");
	load(folder);
	rule_set_list(folder->set, &(struct rule_list_options){ 0 }, &out);
	assert_string_equal(strbuf_text(&out),
						"ID   SEVERITY  SURE    FOUND BY     TESTS  TITLE\n"
						"a.x  medium    medium  1 keyword        0  T\\x1b[1m\n");
	strbuf_clear(&out);
	rule_set_list(folder->set, &(struct rule_list_options){ .columns = 120 }, &out);
	assert_string_equal(strbuf_text(&out),
						"ID   SEVERITY  SURE    ANCHOR  CHUNKS  FOUND BY     TESTS  TITLE\n"
						"a.x  medium    medium  any     all     1 keyword        0  T\\x1b[1m\n");
	strbuf_clear(&out);
	rule_set_list(folder->set, &(struct rule_list_options){ .columns = 50 }, &out);
	assert_string_equal(strbuf_text(&out), "ID   SEVERITY  SURE    TESTS  TITLE\n"
										   "a.x  medium    medium      0  T\\x1b[1m\n");
	strbuf_clear(&out);
	assert_int_equal(rule_set_list(folder->set, &(struct rule_list_options){ .find = "U" }, &out),
					 1);
	strbuf_clear(&out);
	assert_int_equal(
		rule_set_list(folder->set, &(struct rule_list_options){ .find = "nowhere" }, &out), 0);
	assert_int_equal(out.size, 0);
	strbuf_clear(&out);
	rule_set_list(folder->set, &(struct rule_list_options){ .json = true }, &out);
	json = json_loads(strbuf_text(&out), 0, NULL);
	assert_int_equal(json_array_size(json), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "id")), "a.x");
	assert_int_equal(json_array_size(json_object_get(json_array_get(json, 0), "tags")), 2);
	json_decref(json);
	strbuf_deinit(&out);
}

/* ---- rules check ---- */

static void check(const char *rule, const char *wanted)
{
	struct rule_text text;

	rule_text_load_rule(&text, rule);
	assert_string_equal(strbuf_text(&text.all), "");
	rule_text_check(&text);
	if (!strstr(strbuf_text(&text.all), wanted) || (!*wanted && text.all.size))
		fail_msg("wanted: %s\ngot: %s", wanted, strbuf_text(&text.all));
	rule_text_deinit(&text);
}

#define BOTH \
	"  tests: [{name: a, text: keyword1, expect: match}, {name: b, text: x, expect: none}]\n"

static void check_wants_tests_both_ways(void **state)
{
	(void)state;
	check("- id: a\n  title: T\n  keywords: [keyword]\n  pattern: 'keyword\\d'\n" BOTH, "");
	check("- id: a\n  title: T\n  keywords: [keyword]\n  pattern: 'keyword\\d'\n",
		  "FILE:4:3: error[R051] rule 't.a': no test that expects a match\n"
		  "FILE:4:3: error[R052] rule 't.a': no test with expect: none\n");
	check("- id: a\n  title: T\n  keywords: [keyword]\n  pattern: 'keyword\\d'\n"
		  "  tests: [{name: a, text: keyword, expect: match}]\n",
		  "error[R050] rule 't.a': test 'a': did not match: the pattern got as far as +7, "
		  "where a NUL stands, and wanted \\d (line 7, column 20)\n");
}

static void check_names_what_is_slow(void **state)
{
	(void)state;
	check("- id: a\n  title: T\n  slow: true\n  pattern: '[a-z]{3,9}word\\d'\n"
		  "  tests: [{name: a, text: keyword1, expect: match}, {name: b, text: x, expect: none}]\n",
		  "FILE:7:12: warning[W061] rule 't.a': scans every byte: no keyword, and a match can "
		  "start with any of 26 bytes\n");
	check("- id: a\n  title: T\n  keywords: [\"\\x01\\x02\\x03\"]\n"
		  "  pattern: '(?:[a-z]{1,100}){1,3}\\x01\\x02\\x03'\n",
		  "FILE:7:13: error[R060] rule 't.a': the match limit is hit on 1 KiB of 'a'; see "
		  "(?:[a-z]{1,100}){1,3}\n");
	check("- id: a\n  title: T\n  keywords: [\"===\"]\n"
		  "  pattern: '(?x) \\d? (?: ab* )? .* .* .* ==='\n",
		  "FILE:7:33: error[R060] rule 't.a': the match limit is hit on 1 KiB of random bytes, "
		  "first 19; see .*\n");
	check("- id: a\n  title: T\n  keywords: [keyword]\n  pattern: 'keyword(?(?=1)1|2)'\n" BOTH,
		  "FILE:6:14: warning[W062] rule 't.a': cannot tell whether every branch contains a "
		  "keyword; the tests decide\n");
}

static void shipped_rules_have_nothing_to_complain_about(void **state)
{
	struct folder *folder = *state;
	const char *paths[] = { "rules" };
	struct strbuf out = { 0 };

	folder->set = rule_set_create(paths, 1, &folder->messages, &folder->err);
	assert_non_null(folder->set);
	rule_set_check(folder->set, &folder->messages);
	if (folder->messages.count)
		fail_msg("%s", folder->messages.items[0].text);
	if (!rule_set_test(folder->set, &out))
		fail_msg("%s", strbuf_text(&out));
	for (size_t i = 0; i < folder->set->rules.count; i++) {
		const struct rule *rule = &folder->set->rules.items[i];
		size_t positive = 0;

		for (size_t j = 0; j < rule->tests.count; j++)
			positive += rule->tests.items[j].wants_match;
		assert_true(positive >= 2 && rule->tests.count - positive >= 2);
		assert_true(rule->remediation && strlen(rule->remediation) > 60);
		assert_true(rule->references.count && rule->description);
		assert_true(!rule->keywords.count || rule->coverage_known);
	}
	assert_true(folder->set->rules.count >= 8);
	strbuf_deinit(&out);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(files_load_by_name),
		TEST(a_byte_order_mark_is_left_out),
		TEST(a_pipe_in_a_folder_is_refused),
		TEST(later_files_disable_and_override),
		TEST(unknown_ids_are_told),
		TEST(an_id_of_the_own_namespace_is_enough),
		TEST(the_second_of_two_ids_is_refused),
		TEST(an_empty_file_is_told_behind_a_bad_one),
		TEST(paths_that_cannot_be_read_are_errors),
		TEST(the_list_is_a_table_or_json),
		cmocka_unit_test(check_wants_tests_both_ways),
		cmocka_unit_test(check_names_what_is_slow),
		TEST(shipped_rules_have_nothing_to_complain_about),
	};

	return cmocka_run_group_tests_name("rule_set", tests, NULL, NULL);
}
