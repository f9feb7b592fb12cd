#include "tests/unit/unit.h"

#include "analyze/attribute/diagnosis.h"
#include "analyze/attribute/verdict.h"
#include "tests/support/report_builder.h"

#include <string.h>

#define MIB(n) ((uint64_t)(n) << 20)

/* A report of nothing but buckets; the rest of the RSS is the program's files. */
static void start(struct report *report, uint64_t rss)
{
	*report = (struct report){ 0 };
	report->evidence.complete = report->evidence.has_residency = true;
	report->memory.has_resident = true;
	report->memory.resident_bytes = rss;
	report->heap.found = true;
}

static void put(struct report *report, const char *id, uint64_t bytes)
{
	*vec_add(&report->memory.buckets) = (struct report_bucket){ id, id, bytes, bytes };
}

static const struct report_diagnosis *find(const struct report *report, const char *id)
{
	for (size_t i = 0; i < report->diagnosis.count; i++)
		if (strcmp(report->diagnosis.items[i].id, id) == 0)
			return &report->diagnosis.items[i];
	return NULL;
}

/* Every row says why, and what to do. */
static void check_rows(const struct report *report)
{
	assert_true(report->diagnosis.count > 0);
	for (size_t i = 0; i < report->diagnosis.count; i++) {
		const struct report_diagnosis *row = &report->diagnosis.items[i];

		assert_true(row->evidence.count > 0);
		assert_true(row->title && *row->title && row->severity && row->confidence);
		assert_true(row->first_step && *row->first_step && row->advice);
	}
}

static const struct diagnosis_facts nothing = { 0 };

static void freed_memory_is_retention(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "heap.in_use", MIB(200));
	put(&report, "heap.binned", MIB(600));
	report.heap.totals.free_resident_bytes = MIB(600);
	report.heap.totals.trimmable_bytes = MIB(550);
	diagnosis_fill(&report, &nothing);
	verdict_fill(&report);
	check_rows(&report);
	assert_string_equal(report.diagnosis.items[0].id, "retention");
	assert_string_equal(report.diagnosis.items[0].severity, "high");
	assert_string_equal(report.diagnosis.items[0].confidence, "high");
	assert_true(report.diagnosis.items[0].has_gain);
	assert_int_equal(report.diagnosis.items[0].predicted_gain_bytes, MIB(550));
	assert_non_null(strstr(report.diagnosis.items[0].first_step, "malloc_trim(0)"));
	assert_non_null(strstr(report.verdict, "retention rather than a leak"));
	assert_non_null(strstr(report.verdict, "about 550 MiB"));
	assert_null(find(&report, "leak-suspect"));
	report_deinit(&report);
}

static void pinned_memory_is_not_promised_to_trim(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "heap.in_use", MIB(100));
	put(&report, "heap.binned", MIB(600));
	report.heap.totals.trimmable_bytes = MIB(6);
	diagnosis_fill(&report, &nothing);
	assert_string_equal(report.diagnosis.items[0].id, "retention");
	assert_int_equal(report.diagnosis.items[0].predicted_gain_bytes, MIB(6));
	assert_non_null(strstr(report.diagnosis.items[0].first_step, "pins"));
	report_deinit(&report);
}

static void held_memory_is_a_suspect_not_a_proof(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "heap.in_use", MIB(700));
	put(&report, "heap.mmapped", MIB(100));
	diagnosis_fill(&report, &nothing);
	verdict_fill(&report);
	check_rows(&report);
	assert_string_equal(report.diagnosis.items[0].id, "leak-suspect");
	assert_string_equal(report.diagnosis.items[0].severity, "high");
	assert_false(report.diagnosis.items[0].has_gain);
	assert_non_null(strstr(report.diagnosis.items[0].advice, "call stacks"));
	assert_non_null(strstr(report.diagnosis.items[0].advice, "heaptrack"));
	assert_non_null(strstr(report.verdict, "one snapshot cannot tell"));
	report_deinit(&report);
}

static void small_parts_are_never_grave(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(10));
	put(&report, "heap.in_use", MIB(8));
	diagnosis_fill(&report, &nothing);
	assert_string_equal(report.diagnosis.items[0].severity, "low");
	report_deinit(&report);
}

static void without_residency_confidence_is_low(void **state)
{
	struct report report;

	(void)state;
	report_builder_foreign(&report);
	check_rows(&report);
	assert_string_equal(find(&report, "retention")->confidence, "low");
	assert_string_not_equal(find(&report, "retention")->severity, "high");
	assert_false(find(&report, "retention")->has_gain);
	assert_non_null(strstr(report.verdict, "does not tell"));
	report_deinit(&report);
}

static void torn_or_cut_evidence_lowers_confidence(void **state)
{
	const struct diagnosis_facts torn = { .is_torn = true };
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "heap.binned", MIB(600));
	diagnosis_fill(&report, &torn);
	assert_string_equal(find(&report, "retention")->confidence, "medium");
	report_deinit(&report);

	report_builder_damaged(&report);
	check_rows(&report);
	assert_non_null(find(&report, "incomplete-evidence"));
	assert_null(find(&report, "retention"));
	assert_non_null(strstr(report.verdict, "does not tell a leak from retention"));
	assert_null(strstr(report.verdict, "Capture again with"));
	report_deinit(&report);
}

/* One bucket that is most of the RSS, and the row that must speak of it. */
static void each_part_has_its_row(void **state)
{
	static const struct {
		const char *bucket, *id;
		bool is_java;
	} rows[] = {
		{ "anonymous.unknown", "not-glibc", false },
		{ "anonymous.v8", "not-glibc", true },
		{ "java.heap", "java-heap", true },
		{ "stack", "thread-stacks", false },
		{ "module", "file-pages", false },
		{ "heap.in_use", "java-heap-exonerated", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct diagnosis_facts facts = { .is_java = rows[i].is_java, .threads = 9 };
		struct report report;

		start(&report, MIB(1000));
		put(&report, rows[i].bucket, MIB(900));
		diagnosis_fill(&report, &facts);
		verdict_fill(&report);
		check_rows(&report);
		assert_non_null(find(&report, rows[i].id));
		assert_non_null(strstr(report.verdict, "The RSS is 1000 MiB: 900 MiB (90 %) is "));
		report_deinit(&report);
	}
}

static void reservations_are_nobodys_memory(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "anonymous.reserved", MIB(900));
	diagnosis_fill(&report, &nothing);
	assert_null(find(&report, "not-glibc"));
	report_deinit(&report);
}

static void nothing_large_is_said_as_well(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "heap.in_use", MIB(20));
	diagnosis_fill(&report, &nothing);
	verdict_fill(&report);
	check_rows(&report);
	assert_int_equal(report.diagnosis.count, 1);
	assert_string_equal(report.diagnosis.items[0].id, "no-excess");
	report_deinit(&report);
}

static void untouched_and_swapped_are_told_from_rss(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	report.memory.swapped_bytes = MIB(300);
	report.heap.totals.in_use = (struct report_sum){ 10, MIB(900), MIB(200) };
	diagnosis_fill(&report, &nothing);
	check_rows(&report);
	assert_non_null(find(&report, "untouched"));
	assert_non_null(find(&report, "swapped"));
	report_deinit(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freed_memory_is_retention),
		cmocka_unit_test(pinned_memory_is_not_promised_to_trim),
		cmocka_unit_test(held_memory_is_a_suspect_not_a_proof),
		cmocka_unit_test(small_parts_are_never_grave),
		cmocka_unit_test(without_residency_confidence_is_low),
		cmocka_unit_test(torn_or_cut_evidence_lowers_confidence),
		cmocka_unit_test(each_part_has_its_row),
		cmocka_unit_test(reservations_are_nobodys_memory),
		cmocka_unit_test(nothing_large_is_said_as_well),
		cmocka_unit_test(untouched_and_swapped_are_told_from_rss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
