#include "tests/unit/unit.h"

#include "analyze/report/markdown.h"
#include "analyze/report/table.h"
#include "tests/support/report_builder.h"

#include <stdlib.h>
#include <string.h>

static char *render(void (*build)(struct report *))
{
	struct report report;
	struct strbuf out = { 0 };

	build(&report);
	markdown_render(&report, &out);
	report_deinit(&report);
	return strbuf_take(&out);
}

/* Pipes that separate cells: not escaped by a backslash. */
static size_t count_pipes(const char *line)
{
	size_t pipes = 0;

	for (size_t i = 0; line[i]; i++) {
		if (line[i] == '\\' && line[i + 1])
			i++;
		else
			pipes += line[i] == '|';
	}
	return pipes;
}

/* All lines of a table have as many cells as its head, whatever is in them. */
static void tables_keep_their_columns(void **state)
{
	void (*const build[])(struct report *) = { report_builder_java, report_builder_foreign,
											   report_builder_damaged, report_builder_hostile };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char *text = render(build[i]), *rest = text, *line;
		size_t columns = 0;

		while ((line = strsep(&rest, "\n"))) {
			if (line[0] != '|') {
				columns = 0;
				continue;
			}
			if (!columns)
				columns = count_pipes(line);
			assert_int_equal(count_pipes(line), columns);
		}
		free(text);
	}
}

static void check_text(const char *text, const char *wanted)
{
	struct strbuf out = { 0 };

	table_markdown_text(text, &out);
	assert_string_equal(strbuf_text(&out), wanted);
	strbuf_deinit(&out);
}

static void markup_is_taken_literally(void **state)
{
	(void)state;
	check_text("a|b `c` *d* [e](f) <g>", "a\\|b \\`c\\` \\*d\\* \\[e\\](f) \\<g>");
	check_text("malloc_trim(0) _x_", "malloc_trim(0) \\_x\\_");
	check_text("# not a heading", "\\# not a heading");
	check_text("issue #7", "issue #7");
	check_text("\x1b[0m", "\\\\x1b\\[0m");
}

static void ids_are_fenced(void **state)
{
	struct strbuf out = { 0 };

	(void)state;
	table_markdown_code("com/acme`|x", &out);
	table_markdown_code("", &out);
	assert_string_equal(strbuf_text(&out), "`com/acme'\xc2\xa6x`");
	strbuf_deinit(&out);
}

static void nothing_of_a_hostile_name_is_markup(void **state)
{
	char *text = render(report_builder_hostile);

	(void)state;
	assert_null(strstr(text, " <script>"));
	for (const char *found = text; (found = strstr(found, "<script>")); found++)
		assert_true(found[-1] == '\\' || strchr(found, '`'));
	assert_null(strchr(text, '\033'));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_keep_their_columns),
		cmocka_unit_test(markup_is_taken_literally),
		cmocka_unit_test(ids_are_fenced),
		cmocka_unit_test(nothing_of_a_hostile_name_is_markup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
