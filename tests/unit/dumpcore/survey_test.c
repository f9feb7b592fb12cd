#include "tests/unit/unit.h"

#include "dumpcore/survey.h"
#include "tests/support/fake_proc.h"

#include <jansson.h>
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
	fake_proc_file(&proc, "42/smaps",
				   "1000-9000 rw-p 00000000 00:00 0 [heap]\nRss: 16 kB\nSwap: 4 kB\n"
				   "10000-20000 r-xp 00000000 fd:00 9 /opt/app\nRss: 32 kB\n");
	survey = (struct survey){ .selection = "native", .consistency = "freeze", .stops = true };
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
	assert_true(survey.disk_free > 0);
}

static void text_is_safe_and_says_what_it_takes(void **state)
{
	struct strbuf text = { 0 };

	(void)state;
	survey_text(&survey, &text);
	assert_non_null(strstr(strbuf_text(&text), "we\\xffird"));
	assert_non_null(strstr(strbuf_text(&text), "main heap (brk)"));
	assert_non_null(strstr(strbuf_text(&text), "reads    20.0 KiB"));
	assert_non_null(strstr(strbuf_text(&text), "access   granted"));
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
	struct survey refused = { .selection = "native" };

	(void)state;
	target.access.tracer = 7;
	fake_proc_file(&proc, "42/status", "Tgid:\t42\nTracerPid:\t7\nUid:\t1\t1\t1\t1\n");
	survey_make(&refused, &target, &choice, "/tmp", "dumpcore 42");
	assert_false(refused.may_capture);
	assert_non_null(strstr(refused.refusal, "traced already, by process 7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_are_summed_by_kind, make, drop),
		cmocka_unit_test_setup_teardown(text_is_safe_and_says_what_it_takes, make, drop),
		cmocka_unit_test_setup_teardown(json_is_json, make, drop),
		cmocka_unit_test_setup_teardown(a_refusal_is_explained, make, drop),
	};

	return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}
