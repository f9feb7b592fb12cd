/* Fabricated reports against tests/golden/. `golden_test --update` writes the files anew: read the
 * difference before it is committed. */
#include "tests/unit/unit.h"

#include "analyze/report/json.h"
#include "analyze/report/markdown.h"
#include "analyze/report/text.h"
#include "base/file.h"
#include "base/text.h"
#include "tests/support/report_builder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BYTES = 4 << 20 };

static void render_text(const struct report *report, struct strbuf *out)
{
	text_render(report, (struct text_style){ .utf8 = true }, out);
}

static void render_ascii(const struct report *report, struct strbuf *out)
{
	text_render(report, (struct text_style){ 0 }, out);
}

static const struct golden {
	const char *file;
	void (*build)(struct report *);
	void (*render)(const struct report *, struct strbuf *);
} goldens[] = {
	{ "java.txt", report_builder_java, render_text },
	{ "java.md", report_builder_java, markdown_render },
	{ "java.json", report_builder_java, json_render },
	{ "foreign.txt", report_builder_foreign, render_text },
	{ "foreign.md", report_builder_foreign, markdown_render },
	{ "foreign.json", report_builder_foreign, json_render },
	{ "damaged.txt", report_builder_damaged, render_ascii },
	{ "damaged.md", report_builder_damaged, markdown_render },
	{ "damaged.json", report_builder_damaged, json_render },
	{ "hostile.txt", report_builder_hostile, render_ascii },
	{ "hostile.md", report_builder_hostile, markdown_render },
	{ "hostile.json", report_builder_hostile, json_render },
};

enum { GOLDENS = sizeof goldens / sizeof *goldens };

static void make(const struct golden *golden, struct strbuf *out)
{
	struct report report;

	golden->build(&report);
	golden->render(&report, out);
	report_deinit(&report);
}

static void path_of(const struct golden *golden, char path[64])
{
	snprintf(path, 64, "tests/golden/%s", golden->file);
}

/* Says where they part: the first line that differs. */
static void compare(const char *path, struct span got, struct span wanted)
{
	struct cursor a = cursor_make(got, false), b = cursor_make(wanted, false);
	struct span left = { 0 }, right = { 0 };

	for (unsigned line = 1;; line++) {
		bool more_left = cursor_line(&a, &left), more_right = cursor_line(&b, &right);

		if (!more_left && !more_right)
			return;
		if (more_left != more_right || !span_equal(left, right))
			fail_msg("%s:%u: got '%.*s', wanted '%.*s'", path, line, (int)left.size,
					 (const char *)left.data, (int)right.size, (const char *)right.data);
	}
}

static void reports_are_as_agreed(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDENS; i++) {
		struct strbuf got = { 0 }, wanted = { 0 };
		struct err err = { 0 };
		char path[64];

		path_of(&goldens[i], path);
		make(&goldens[i], &got);
		if (!file_read(AT_FDCWD, path, MAX_BYTES, &wanted, &err))
			fail_msg("%s", err.what);
		compare(path, strbuf_span(&got), strbuf_span(&wanted));
		strbuf_deinit(&got);
		strbuf_deinit(&wanted);
	}
}

static void no_output_holds_a_control_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDENS; i++) {
		struct strbuf out = { 0 };
		struct span left;

		make(&goldens[i], &out);
		for (left = strbuf_span(&out); left.size;) {
			size_t length = text_utf8_length(left);

			assert_true(length > 0);
			assert_true(left.data[0] == '\n' || (left.data[0] >= 0x20 && left.data[0] != 0x7f));
			assert_false(length == 2 && left.data[0] == 0xc2 && left.data[1] < 0xa0);
			left = span_part(left, length, left.size);
		}
		strbuf_deinit(&out);
	}
}

static void text_is_at_most_100_columns_wide(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDENS; i++) {
		struct strbuf out = { 0 };
		char *line, *rest;

		if (!strstr(goldens[i].file, ".txt"))
			continue;
		make(&goldens[i], &out);
		for (rest = out.data; (line = strsep(&rest, "\n"));)
			if (text_columns(line) > TEXT_COLUMNS)
				fail_msg("%s: %zu columns: %s", goldens[i].file, text_columns(line), line);
		strbuf_deinit(&out);
	}
}

static int update(void)
{
	for (size_t i = 0; i < GOLDENS; i++) {
		struct strbuf out = { 0 };
		char path[64];
		FILE *file;

		path_of(&goldens[i], path);
		make(&goldens[i], &out);
		file = fopen(path, "w");
		if (!file || fwrite(out.data, 1, out.size, file) != out.size) {
			perror(path);
			return 1;
		}
		fclose(file);
		strbuf_deinit(&out);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_are_as_agreed),
		cmocka_unit_test(no_output_holds_a_control_byte),
		cmocka_unit_test(text_is_at_most_100_columns_wide),
	};

	if (argc > 1 && strcmp(argv[1], "--update") == 0)
		return update();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
