#include "tests/unit/unit.h"

#include "dumpcore/survey.h"
#include "tests/support/fake_proc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_proc proc;
static struct target target;
static struct survey survey;

static int make(void **state)
{
	struct choice choice = { 0 };

	(void)state;
	fake_proc_init(&proc);
	fake_proc_process(&proc, 42, "we\xffird");
	fake_proc_file(&proc, "42/mem", "");
	fake_proc_file(
		&proc, "42/smaps",
		"1000-9000 rw-p 00000000 00:00 0 [heap]\nRss: 16 kB\nAnonymous: 12 kB\nSwap: 4 kB\n"
		"10000-20000 r-xp 00000000 fd:00 9 /opt/app\nRss: 32 kB\n");
	survey = (struct survey){ .selection = "native",
							  .consistency = "freeze",
							  .reserve_disk = DISK_RESERVE_DEFAULT };
	if (!target_open(&target, proc.root, 42, "dumpcore 42", NULL) ||
		!plan_selection_parse("native", &choice.selection, NULL))
		return -1;
	survey_make(&survey, &target, &choice, "/tmp", "dumpcore 42");
	return 0;
}

static int drop(void **state)
{
	(void)state;
	target_close(&target);
	fake_proc_deinit(&proc);
	return 0;
}

static void bytes_are_summed_by_kind(void **state)
{
	(void)state;
	assert_int_equal(survey.rows[PLAN_HEAP].resident_bytes, 16 << 10);
	assert_int_equal(survey.rows[PLAN_HEAP].swapped_bytes, 4 << 10);
	assert_int_equal(survey.rows[PLAN_HEAP].selected_bytes, 16 << 10);
	assert_int_equal(survey.rows[PLAN_MODULE].resident_bytes, 32 << 10);
	assert_int_equal(survey.rows[PLAN_MODULE].selected_bytes, 4 << 10);
	assert_int_equal(survey.total.mappings, 2);
	assert_int_equal(survey.total.resident_bytes, 48 << 10);
	assert_int_equal(survey.total.selected_bytes, 20 << 10);
	assert_int_equal(survey.threads, 1);
	assert_true(survey.may_capture);
	assert_true(survey.disk.free > 0 && survey.disk_reserve > 0 && survey.plain_fits);
	assert_int_equal(survey.private_bytes, 12 << 10);
	assert_false(survey.is_exact);
}

/* A terminal has 80. */
static void expect_columns(const struct strbuf *text)
{
	struct cursor cursor = cursor_make(strbuf_span(text), false);
	struct span line;

	while (cursor_line(&cursor, &line))
		assert_in_range(line.size, 0, 80);
}

static void text_is_safe_and_says_what_it_takes(void **state)
{
	struct strbuf text = { 0 };

	(void)state;
	survey_text(&survey, &text);
	assert_non_null(strstr(strbuf_text(&text), "we\\xffird"));
	assert_non_null(strstr(strbuf_text(&text), "main heap (brk)"));
	assert_non_null(strstr(strbuf_text(&text), "reads      20.0 KiB of memory, as smaps"));
	assert_non_null(strstr(strbuf_text(&text), "access     granted"));
	assert_non_null(strstr(strbuf_text(&text), "\n* freeze         under 1 ms "));
	assert_non_null(strstr(strbuf_text(&text), "\n  live           not at all "));
	expect_columns(&text);
	strbuf_deinit(&text);
}

/* The largest numbers there can be still stand in their columns. */
static void large_numbers_fit(void **state)
{
	const uint64_t large = UINT64_C(1023) << 40;
	struct survey_row row = { PLAN_FILE, 99999, large, large, large, large };
	struct survey many = survey;
	struct strbuf text = { 0 };

	(void)state;
	many.rows[PLAN_FILE] = many.total = row;
	many.file_bytes = many.plain_bytes = many.zstd_bytes[0] = many.zstd_bytes[1] = large;
	many.own_bytes = many.private_bytes = large;
	many.outlook.ways[0] = *outlook_find(&many.outlook, "freeze");
	many.outlook.ways[0].memory_bytes = large;
	many.outlook.ways[0].pause_ns = INT64_C(86400) * 1000000000;
	many.disk.free = many.disk_reserve = large;
	many.plain_fits = false;
	survey_text(&many, &text);
	expect_columns(&text);
	assert_non_null(strstr(strbuf_text(&text), "* freeze         about 86400.0 s "));
	assert_non_null(strstr(strbuf_text(&text), "too little for plain"));
	strbuf_deinit(&text);
}

/* Entries of pagemap stand at eight bytes times the page's number. */
static void put_pagemap(void)
{
	uint64_t entries[32] = { 0 };
	char name[128];
	FILE *file;

	entries[1] = entries[3] = entries[5] = UINT64_C(1) << 63;
	entries[6] = UINT64_C(1) << 62;
	entries[16] = UINT64_C(1) << 63;
	snprintf(name, sizeof name, "%s/42/pagemap", proc.root);
	file = fopen(name, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(entries, sizeof entries, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void the_page_map_is_asked(void **state)
{
	struct choice choice = { .read_swapped = true };
	struct survey asked = { .selection = "native", .consistency = "freeze" };
	uint64_t all;

	(void)state;
	put_pagemap();
	assert_true(plan_selection_parse("native", &choice.selection, NULL));
	survey_make(&asked, &target, &choice, "/tmp", "dumpcore 42");
	assert_true(asked.is_exact);
	assert_int_equal(asked.rows[PLAN_HEAP].resident_bytes, 3 * 4096);
	assert_int_equal(asked.rows[PLAN_HEAP].swapped_bytes, 4096);
	assert_int_equal(asked.rows[PLAN_HEAP].selected_bytes, 4 * 4096);
	assert_int_equal(asked.total.selected_bytes, 5 * 4096);
	assert_in_range(asked.file_bytes - asked.plain_bytes, 2 * 4096, 2 * 4096); /* holes */
	all = asked.plain_bytes;

	choice.most_bytes = 2 * 4096;
	asked = (struct survey){ .selection = "native", .consistency = "freeze" };
	survey_make(&asked, &target, &choice, "/tmp", "dumpcore 42");
	assert_int_equal(asked.total.selected_bytes, 2 * 4096);
	assert_in_range(asked.plain_bytes, all - 3 * 4096, all - 2 * 4096);
}

static void every_method_has_a_row(void **state)
{
	const struct outlook_way *fork = outlook_find(&survey.outlook, "fork");
	const struct outlook_way *last = &survey.outlook.ways[survey.outlook.count - 1];

	(void)state;
	assert_int_equal(survey.outlook.count, 4);
	assert_string_equal(survey.outlook.ways[0].method->name, "freeze");
	assert_true(survey.outlook.ways[0].usable);
	assert_in_range(survey.outlook.ways[0].pause_ns, 1, 50000000);
	assert_string_equal(survey.outlook.ways[1].method->name, "live");
	assert_int_equal(survey.outlook.ways[1].pause_ns, 0);
	assert_int_equal(fork->memory_bytes, survey.private_bytes);
	assert_false(fork->usable); /* the fabricated process has no vdso */
	assert_non_null(strstr(fork->why_not, "no vdso"));
	assert_false(last->usable);
}

static void json_has_the_prediction(void **state)
{
	struct strbuf text = { 0 };
	const json_t *archive, *method;
	json_t *root;

	(void)state;
	survey_json(&survey, &text);
	root = json_loads(strbuf_text(&text), 0, NULL);
	assert_non_null(root);
	archive = json_object_get(root, "archive");
	assert_true(json_is_false(json_object_get(archive, "exact")));
	assert_true(json_integer_value(json_object_get(archive, "plain_bytes")) > 20 << 10);
	assert_true(json_is_true(json_object_get(json_object_get(root, "disk"), "plain_fits")));
	assert_int_equal(json_integer_value(json_object_get(root, "private_bytes")), 12 << 10);
	assert_true(json_integer_value(json_object_get(root, "own_bytes")) > 40 << 20);
	method = json_array_get(json_object_get(root, "methods"), 0);
	assert_string_equal(json_string_value(json_object_get(method, "name")), "freeze");
	assert_true(json_integer_value(json_object_get(method, "pause_ns")) > 0);
	assert_true(json_is_true(json_object_get(method, "chosen")));
	method = json_array_get(json_object_get(root, "methods"), 3);
	assert_true(json_is_false(json_object_get(method, "usable")));
	json_decref(root);
	strbuf_deinit(&text);
}

static void json_is_json(void **state)
{
	struct strbuf text = { 0 };
	json_t *root, *total;

	(void)state;
	survey_json(&survey, &text);
	root = json_loads(strbuf_text(&text), 0, NULL);
	assert_non_null(root);
	total = json_object_get(root, "total");
	assert_int_equal(json_integer_value(json_object_get(root, "pid")), 42);
	assert_int_equal(json_integer_value(json_object_get(total, "captured_bytes")), 20 << 10);
	assert_string_equal(json_string_value(json_object_get(root, "comm")), "we\\xffird");
	json_decref(root);
	strbuf_deinit(&text);
}

static void a_refusal_is_explained(void **state)
{
	struct choice choice = { .selection = 1 };
	struct survey refused = { .selection = "native", .consistency = "freeze" };

	(void)state;
	target.access.tracer = 7;
	fake_proc_file(&proc, "42/status", "Tgid:\t42\nTracerPid:\t7\nUid:\t1\t1\t1\t1\n");
	survey_make(&refused, &target, &choice, "/tmp", "dumpcore 42");
	assert_false(refused.may_capture);
	assert_non_null(strstr(refused.refusal, "traced already, by process 7"));
	assert_false(outlook_find(&refused.outlook, "freeze")->usable);
	assert_non_null(strstr(outlook_find(&refused.outlook, "freeze")->why_not, "traced already"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_are_summed_by_kind, make, drop),
		cmocka_unit_test_setup_teardown(text_is_safe_and_says_what_it_takes, make, drop),
		cmocka_unit_test_setup_teardown(large_numbers_fit, make, drop),
		cmocka_unit_test_setup_teardown(the_page_map_is_asked, make, drop),
		cmocka_unit_test_setup_teardown(every_method_has_a_row, make, drop),
		cmocka_unit_test_setup_teardown(json_is_json, make, drop),
		cmocka_unit_test_setup_teardown(json_has_the_prediction, make, drop),
		cmocka_unit_test_setup_teardown(a_refusal_is_explained, make, drop),
	};

	return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}
