#include "tests/unit/unit.h"

#include "analyze/report/heap_tables.h"
#include "analyze/report/table.h"
#include "analyze/report/text.h"
#include "analyze/report/waterfall.h"
#include "base/text.h"
#include "tests/support/report_builder.h"

#include <stdlib.h>
#include <string.h>

static char *render(void (*build)(struct report *), struct text_style style)
{
	struct report report;
	struct strbuf out = { 0 };

	build(&report);
	text_render(&report, style, &out);
	report_deinit(&report);
	return strbuf_take(&out);
}

static void the_verdict_comes_first(void **state)
{
	char *text = render(report_builder_java, (struct text_style){ 0 });

	(void)state;
	assert_true(strstr(text, "VERDICT") < strstr(text, "EVIDENCE"));
	assert_true(strstr(text, "EVIDENCE") < strstr(text, "WHERE THE MEMORY IS"));
	assert_true(strstr(text, "DIAGNOSIS") < strstr(text, "WHAT THE EVIDENCE DOES NOT TELL"));
	assert_non_null(strstr(text, "Made by analyze 0.1.0: analyze report java.4711.core.zst"));
	free(text);
}

static void numbers_keep_their_units(void **state)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "%" };
	char *text;

	(void)state;
	for (int words = 0; words < 60; words++) {
		struct report report;
		struct strbuf out = { 0 }, verdict = { 0 };

		report_builder_java(&report);
		for (int i = 0; i < words; i++)
			strbuf_puts(&verdict, "a ");
		strbuf_puts(&verdict, "of 1,234 KiB (12 % or 5.5 GiB) in 3 Bins, 99.5 MiB.");
		report.verdict = strbuf_text(&verdict);
		text_render(&report, (struct text_style){ 0 }, &out);
		strbuf_deinit(&verdict);
		report_deinit(&report);
		text = strbuf_take(&out);
		for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
			const char *word = line + 1 + strspn(line + 1, " ");

			for (size_t i = 0; i < sizeof units / sizeof *units; i++)
				if (strncmp(word, units[i], strlen(units[i])) == 0)
					assert_null(strchr(" ,.);:", word[strlen(units[i])]));
		}
		free(text);
	}
}

/* Stacks of a process with few of them, and the sizes of a heap that is no matter, are left out. */
static void what_is_no_matter_is_left_out(void **state)
{
	(void)state;
	for (int matters = 0; matters < 2; matters++) {
		struct report report;
		struct strbuf out = { 0 };

		report_builder_java(&report);
		report.memory.stacks.items[0].resident_bytes =
			matters ? report.memory.resident_bytes / 20 : 4096;
		if (!matters) {
			report.heap.totals.in_use.resident_bytes = report.heap.mmapped.resident_bytes = 4096;
			report.heap.totals.free_resident_bytes = 4096;
		}
		text_render(&report, (struct text_style){ 0 }, &out);
		assert_int_equal(strstr(strbuf_text(&out), "THREAD STACKS") != NULL, matters);
		assert_int_equal(strstr(strbuf_text(&out), "SIZES THAT HOLD MOST") != NULL, matters);
		assert_int_equal(strstr(strbuf_text(&out), "THAT NO RULE EXPLAINS") != NULL, matters);
		assert_non_null(strstr(strbuf_text(&out), "ARENAS OF MALLOC"));
		strbuf_deinit(&out);
		report_deinit(&report);
	}
}

static void colour_and_blocks_only_where_asked_for(void **state)
{
	char *plain = render(report_builder_java, (struct text_style){ 0 });
	char *rich = render(report_builder_java, (struct text_style){ .utf8 = true, .colour = true });

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_null(strstr(plain, "\xe2\x96"));
	assert_non_null(strstr(rich, "\033[1m"));
	assert_non_null(strstr(rich, "\xe2\x96\x88"));
	free(plain);
	free(rich);
}

static void unknown_columns_are_question_marks(void **state)
{
	char *text = render(report_builder_foreign, (struct text_style){ 0 });

	(void)state;
	assert_non_null(strstr(text, "heap.in_use         ?      ?   104 MiB"));
	assert_non_null(strstr(text, "Resident bytes: not known, the core has no page map"));
	assert_null(strstr(text, "malloc_trim(0) would give back"));
	assert_null(strstr(text, "RSS (VmRSS)"));
	free(text);
}

static void a_negative_residual_keeps_its_sign(void **state)
{
	char *text = render(report_builder_damaged, (struct text_style){ 0 });

	(void)state;
	assert_non_null(strstr(text, "-1.00 MiB"));
	assert_non_null(strstr(text, "INCOMPLETE"));
	assert_non_null(strstr(text, "and 14 more (the JSON report has 7)"));
	free(text);
}

static void check_threads(const char *const *names, size_t count, const char *wanted)
{
	struct report_arena arena = { 0 };
	struct strbuf out = { 0 };

	for (size_t i = 0; i < count; i++)
		*vec_add(&arena.threads) = (struct report_thread){ 41 + (uint32_t)i, names[i] };
	heap_tables_threads(&arena, &out);
	assert_string_equal(strbuf_text(&out), wanted);
	strbuf_deinit(&out);
	vec_deinit(&arena.threads);
}

static void threads_are_named_by_their_stems(void **state)
{
	static const char *const names[] = { "worker-1", "main", "worker-23", "x", "java", "java", "" };

	(void)state;
	check_threads(names, 0, "");
	check_threads(names, 2, "main, worker-1");
	check_threads(names, 3, "worker-* (2), main");
	check_threads(names, 7, "java (2), worker-* (2), main, +2 more");
	check_threads((const char *const[]){ "123", "4" }, 2, "123, 4");
	/* a core without names */
	check_threads((const char *const[]){ "", "", "", "" }, 1, "tid 41");
	check_threads((const char *const[]){ "", "", "", "" }, 4, "tid 41, 42, +2 more");
}

/* Lines of a terminal of 80 columns are not wrapped by it, and no number is cut. */
static void a_narrow_terminal_is_filled_and_not_passed(void **state)
{
	static const struct {
		size_t columns, least, most;
	} rows[] = {
		{ 0, 90, 100 }, { 100, 90, 100 }, { 300, 90, 100 }, { 80, 70, 80 }, { 20, 70, 80 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = render(report_builder_java, (struct text_style){ .columns = rows[i].columns });
		char *line, *rest = text;
		size_t widest = 0;

		assert_non_null(strstr(text, "642 MiB"));
		while ((line = strsep(&rest, "\n")))
			widest = text_columns(line) > widest ? text_columns(line) : widest;
		if (widest < rows[i].least || widest > rows[i].most)
			fail_msg("%zu columns on a terminal of %zu", widest, rows[i].columns);
		free(text);
	}
}

/* Every column as wide as it gets. */
static void the_widest_tables_fit(void **state)
{
	static const struct waterfall_bars bars = { 21, "#", "|" };
	struct report_arena arena = { .main = true, .locked = true, .heaps = 65535 };
	struct report report = { .memory.has_resident = true };
	struct strbuf out = { 0 };
	struct table table;
	char *line, *rest;

	(void)state;
	arena.system_bytes = arena.in_use.bytes = arena.free_resident_bytes = 1023 << 20;
	arena.binned.bytes = arena.trimmable_bytes = 1023 << 10;
	for (unsigned i = 0; i < 90; i++)
		*vec_add(&arena.threads) =
			(struct report_thread){ 4194304 - i, i < 30   ? "Signal Dispatch"
												 : i < 60 ? "http-nio-8080-e"
														  : "C2 CompilerThre" };
	*vec_add(&report.heap.arenas) = arena;
	heap_tables_arenas(&report.heap, true, &table);
	table_text(&table, 2, TABLE_COLUMNS, &out);
	table_deinit(&table);
	report.memory.resident_bytes = report.memory.hugetlb_bytes = 1023 << 20;
	report.memory.residual_bytes = -(1023 << 20);
	*vec_add(&report.memory.buckets) =
		(struct report_bucket){ "anonymous.a-very-long-name-of-a-mapping",
								"other anonymous: a-very-long-name-of-a-mapping", 1023 << 20,
								1023 << 20 };
	waterfall_table(&report.memory, &bars, &table);
	table_text(&table, 2, TABLE_COLUMNS, &out);
	table_deinit(&table);
	for (rest = out.data; (line = strsep(&rest, "\n"));)
		if (text_columns(line) > TEXT_COLUMNS)
			fail_msg("%zu columns: %s", text_columns(line), line);
	vec_deinit(&arena.threads);
	vec_deinit(&report.heap.arenas);
	vec_deinit(&report.memory.buckets);
	strbuf_deinit(&out);
}

/* Bars follow each other, and no bar passes the right edge. */
static void bars_stand_one_behind_the_other(void **state)
{
	static const struct waterfall_bars bars = { 10, "#", "|" };
	struct report_memory memory = { .has_resident = true, .resident_bytes = 1000 };
	struct strbuf out = { 0 };
	struct table table;

	(void)state;
	*vec_add(&memory.buckets) = (struct report_bucket){ "a", "first", 500, 500 };
	*vec_add(&memory.buckets) = (struct report_bucket){ "b", "second", 400, 400 };
	*vec_add(&memory.buckets) = (struct report_bucket){ "c", "tiny", 6, 6 };
	*vec_add(&memory.buckets) = (struct report_bucket){ "d", "too much", 300, 300 };
	waterfall_table(&memory, &bars, &table);
	table_text(&table, 0, TABLE_COLUMNS, &out);
	assert_non_null(strstr(strbuf_text(&out), "500 B  #####\n"));
	assert_non_null(strstr(strbuf_text(&out), "400 B       ####\n"));
	/* more than the RSS: the bars end at the right edge */
	assert_non_null(strstr(strbuf_text(&out), "300 B           #\n"));
	assert_non_null(strstr(strbuf_text(&out), "6 B           |\n"));
	table_deinit(&table);
	vec_deinit(&memory.buckets);
	strbuf_deinit(&out);
}

static void long_cells_are_cut_at_a_character(void **state)
{
	static const struct table_column columns[] = { { .title = "a", .widest = 6 },
												   { .title = "b", .right = true },
												   { .title = NULL } };
	struct strbuf out = { 0 };
	struct table table;

	(void)state;
	table_init(&table, columns);
	table_cell(&table, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
	table_cell(&table, "1");
	table_cell(&table, "short\x1b");
	table_count(&table, 1234);
	table_text(&table, 1, TABLE_COLUMNS, &out);
	assert_string_equal(strbuf_text(&out), " a           b\n"
										   " \xc3\xa4\xc3\xb6\xc3\xbc...      1\n"
										   " sho...  1,234\n");
	table_deinit(&table);
	strbuf_deinit(&out);
}

static void build_with_stats(struct report *report)
{
	report_builder_java(report);
	report->content.has_stats = true;
	report->content.rules.items[0].stats = (struct report_rule_stats){ .cpu_ns = 1250000,
																	   .keywords = 9,
																	   .confirms = 8,
																	   .matched = 7,
																	   .refused = 6,
																	   .hits = 1,
																	   .inside_hits = 2 };
	report->content.rules.items[1].stats = (struct report_rule_stats){ .cpu_ns = 2000000000,
																	   .keywords = 12,
																	   .undecided = 12,
																	   .unsearched_bytes = 3 << 20,
																	   .slow = true };
	*vec_add(&report->content.quiet) = (struct report_rule){ .id = "a.quiet" };
}

static void the_dearest_rule_comes_first(void **state)
{
	char *without = render(report_builder_java, (struct text_style){ 0 });
	char *with = render(build_with_stats, (struct text_style){ 0 });

	(void)state;
	assert_null(strstr(without, "WHAT THE RULES COST"));
	assert_non_null(strstr(with, "keywords  confirms  matched  refused  hits  inside  left over\n"
								 "  jvm.class-file            2000.0 ms        12         0        "
								 "0        0     0       0   3.00 MiB\n"
								 "  compression.zlib-inflate     1.2 ms         9         8        "
								 "7        6     1       2          -\n"
								 "  11 more met nothing\n"));
	free(without);
	free(with);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_comes_first),
		cmocka_unit_test(numbers_keep_their_units),
		cmocka_unit_test(what_is_no_matter_is_left_out),
		cmocka_unit_test(colour_and_blocks_only_where_asked_for),
		cmocka_unit_test(unknown_columns_are_question_marks),
		cmocka_unit_test(a_negative_residual_keeps_its_sign),
		cmocka_unit_test(threads_are_named_by_their_stems),
		cmocka_unit_test(a_narrow_terminal_is_filled_and_not_passed),
		cmocka_unit_test(the_widest_tables_fit),
		cmocka_unit_test(bars_stand_one_behind_the_other),
		cmocka_unit_test(long_cells_are_cut_at_a_character),
		cmocka_unit_test(the_dearest_rule_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
