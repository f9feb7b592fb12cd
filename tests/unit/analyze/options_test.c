#include "tests/unit/unit.h"

#include "analyze/memory/chunks.h"
#include "analyze/options.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define WORD(word) ((char *)(uintptr_t)(word))

static struct err err;

static bool parse(struct options *options, const char *line)
{
	static char copy[512];
	char *argv[32] = { WORD("build/analyze") }, *rest = copy;
	int argc = 1;

	snprintf(copy, sizeof copy, "%s", line);
	while (rest && *rest)
		argv[argc++] = strsep(&rest, " ");
	argv[argc] = NULL;
	err = (struct err){ 0 };
	return options_parse(options, argc, argv, &err);
}

static void a_file_alone_is_a_report(void **state)
{
	struct options options;

	(void)state;
	assert_true(parse(&options, "some.core"));
	assert_int_equal(options.command, COMMAND_REPORT);
	assert_string_equal(options.operands.items[0], "some.core");
	options_deinit(&options);
	assert_true(parse(&options, "--format json some.core"));
	assert_int_equal(options.format, FORMAT_JSON);
	options_deinit(&options);
	assert_true(parse(&options, "-- some.core"));
	options_deinit(&options);
}

static void options_take_their_forms(void **state)
{
	struct options options;

	(void)state;
	assert_true(parse(&options, "report x.core --format=markdown -oout.md --rules a -r b -q "
								"--threads 3"));
	assert_int_equal(options.format, FORMAT_MARKDOWN);
	assert_string_equal(options.output, "out.md");
	assert_int_equal(options.rules.count, 2);
	assert_string_equal(options.rules.items[1], "b");
	assert_true(options.quiet);
	assert_int_equal(options.threads, 3);
	options_deinit(&options);
}

static void states_sizes_and_arenas(void **state)
{
	struct options options;

	(void)state;
	assert_true(
		parse(&options, "chunks x.core --state live,top --arena 0 --min-size 1.5K --ndjson"));
	assert_int_equal(options.states, 1 << CHUNK_IN_USE | 1 << CHUNK_MMAPPED | 1 << CHUNK_TOP);
	assert_true(options.has_arena);
	assert_int_equal(options.arena, 0);
	assert_int_equal(options.min_bytes, 1536);
	assert_true(options.ndjson);
	options_deinit(&options);
	assert_true(parse(&options, "chunks x.core --state free"));
	assert_int_equal(options.states,
					 1 << CHUNK_TCACHE | 1 << CHUNK_FASTBIN | 1 << CHUNK_BINNED | 1 << CHUNK_TOP);
	assert_false(options.has_arena);
	options_deinit(&options);
}

static void references_and_show(void **state)
{
	struct options options;

	(void)state;
	assert_true(parse(&options, "chunks x.core --reach unreachable"));
	assert_true(options.references);
	assert_int_equal(options.reach, REACH_ONLY_UNREACHABLE);
	options_deinit(&options);
	assert_true(parse(&options, "x.core --references"));
	assert_true(options.references);
	assert_int_equal(options.reach, REACH_ANY);
	options_deinit(&options);
	assert_true(parse(&options, "show x.core 0x1234 --format json"));
	assert_int_equal(options.command, COMMAND_SHOW);
	assert_int_equal(options.limit, OPTIONS_LIMIT);
	assert_string_equal(options.operands.items[1], "0x1234");
	options_deinit(&options);
	assert_true(parse(&options, "show x.core 1234 -n 3 --reveal"));
	assert_int_equal(options.limit, 3);
	assert_true(options.reveal);
	options_deinit(&options);
}

static void rules_have_verbs(void **state)
{
	struct options options;

	(void)state;
	assert_true(parse(&options, "rules --json list a.yml b.yml --find zip"));
	assert_int_equal(options.command, COMMAND_RULES_LIST);
	assert_int_equal(options.operands.count, 2);
	assert_string_equal(options.find, "zip");
	assert_true(options.json);
	options_deinit(&options);
	assert_true(parse(&options, "rules explain a.core 0x10 t.a -r b.yml"));
	assert_int_equal(options.command, COMMAND_RULES_EXPLAIN);
	assert_string_equal(options.operands.items[2], "t.a");
	options_deinit(&options);
	assert_true(parse(&options, "rules new"));
	assert_int_equal(options.command, COMMAND_RULES_NEW);
	options_deinit(&options);
	assert_true(parse(&options, "rules --help"));
	assert_int_equal(options.command, COMMAND_RULES);
	options_deinit(&options);
}

static void mistakes_are_named_and_near_ones_suggested(void **state)
{
	static const struct {
		const char *line, *what, *hint;
	} rows[] = {
		{ "", "no FILE", "" },
		{ "report", "needs: FILE", "" },
		{ "report a.core b.core", "'b.core'", "" },
		{ "raport", "'raport'", "did you mean 'report'?" },
		{ "report a.core --fromat json", "'--fromat'", "did you mean '--format'?" },
		{ "report a.core --format jsn", "'jsn'", "did you mean 'json'?" },
		{ "report a.core --format", "needs an argument: FORMAT", "" },
		{ "report a.core --quiet=1", "takes no argument", "" },
		{ "report a.core --ndjson", "does not take --ndjson", "JSON is --format json here" },
		{ "chunks a.core --state in-us", "'in-us'", "did you mean 'in-use'?" },
		{ "chunks a.core --min-size x", "a size like 64K", "" },
		{ "chunks a.core --arena -1", "a number", "" },
		{ "chunks a.core --threads 0", "a number from 1 to 1024", "" },
		{ "verify a.core --rules x", "does not take --rules", "" },
		{ "chunks a.core --reach unreachabel", "'unreachabel'", "did you mean 'unreachable'?" },
		{ "chunks a.core --reach", "needs an argument: WHICH", "" },
		{ "verify a.core --references", "does not take --references", "" },
		{ "report a.core --reveal", "does not take --reveal", "" },
		{ "show a.core", "needs: FILE ADDRESS", "" },
		{ "show a.core 0x10 0x20", "takes one FILE ADDRESS; '0x20'", "" },
		{ "show a.core 0x10 --limit x", "a number", "" },
		{ "rules", "needs: VERB", "" },
		{ "hits a.core --format json", "does not take --format", "JSON is --ndjson here" },
		{ "rules chekc", "has no verb 'chekc'", "did you mean 'check'?" },
		{ "rules zzzzzz", "has no verb 'zzzzzz'", "`analyze rules --help` lists them" },
		{ "chunks a.core --state foo", "'foo'", "`analyze chunks --help` lists the states" },
		{ "rules explain a.core 0x10", "needs: FILE ADDRESS ID", "" },
		{ "rules check --find x", "`analyze rules check` does not take --find", "" },
		{ "rules new a b", "'b' is one too many", "" },
		{ "report a.core -z", "'-z'", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct options options;

		assert_false(parse(&options, rows[i].line));
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.what, rows[i].what))
			fail_msg("'%s': %s", rows[i].line, err.what);
		if (*rows[i].hint)
			assert_string_equal(err.hint, rows[i].hint);
		options_deinit(&options);
	}
}

static void the_command_line_comes_back_quoted(void **state)
{
	char *argv[] = { WORD("/usr/bin/analyze"), WORD("report"), WORD("it's a.core"), WORD(""),
					 NULL };
	struct options options;

	(void)state;
	options_parse(&options, 4, argv, &err);
	assert_string_equal(options.command_line, "analyze report 'it'\\''s a.core' ''");
	options_deinit(&options);
}

static void no_arguments_at_all(void **state)
{
	char *argv[] = { NULL };
	struct options options;

	(void)state;
	assert_false(options_parse(&options, 0, argv, &err));
	options_deinit(&options);
}

static void check_screen(struct strbuf *text, const char *word)
{
	size_t lines = 0;
	char *rest = text->data, *line;

	assert_non_null(strstr(strbuf_text(text), word));
	assert_non_null(strstr(strbuf_text(text), "Examples"));
	for (; (line = strsep(&rest, "\n")); lines++)
		assert_true(text_columns(line) <= 100);
	assert_true(lines <= 40);
	strbuf_deinit(text);
}

static void help_fits_a_screen(void **state)
{
	struct strbuf text = { 0 };

	(void)state;
	options_help(&text);
	check_screen(&text, "Exit status");
	for (unsigned i = 0; i < COMMANDS; i++) {
		options_help_command((enum command)i, &text);
		check_screen(&text, "usage: analyze ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_alone_is_a_report),
		cmocka_unit_test(options_take_their_forms),
		cmocka_unit_test(states_sizes_and_arenas),
		cmocka_unit_test(references_and_show),
		cmocka_unit_test(rules_have_verbs),
		cmocka_unit_test(mistakes_are_named_and_near_ones_suggested),
		cmocka_unit_test(the_command_line_comes_back_quoted),
		cmocka_unit_test(no_arguments_at_all),
		cmocka_unit_test(help_fits_a_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
