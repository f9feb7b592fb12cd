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
	return diagnosis_find(report, id);
}

static void judge(struct report *report, const struct diagnosis_facts *facts)
{
	diagnosis_fill(report, facts);
	verdict_fill(report);
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
	report.heap.totals.free_resident_bytes = MIB(600);
	report.heap.totals.trimmable_bytes = MIB(6);
	report.heap.totals.pinned_free_bytes = MIB(594);
	report.heap.totals.pinned =
		(struct report_pinned){ .edge_bytes = MIB(590), .cache_bytes = MIB(4), .live_chunks = 312 };
	diagnosis_fill(&report, &nothing);
	assert_string_equal(report.diagnosis.items[0].id, "retention");
	assert_int_equal(report.diagnosis.items[0].predicted_gain_bytes, MIB(6));
	assert_non_null(strstr(report.diagnosis.items[0].first_step, "pins"));
	verdict_fill(&report);
	assert_non_null(strstr(report.verdict, "Of 600 MiB that are freed and resident malloc_trim(0) "
										   "would return 6.00 MiB; 594 MiB is pinned, most of it "
										   "by 312 live chunks."));
	report_deinit(&report);
}

/* Caches and tops need another step than live chunks between holes. */
static void what_pins_most_decides_the_step(void **state)
{
	const struct {
		struct report_pinned pinned;
		const char *step, *verdict;
	} rows[] = {
		{ { .cache_bytes = MIB(594) }, "tcache_count", "most of it in thread caches" },
		{ { .top_bytes = MIB(594) }, "M_TRIM_THRESHOLD", "most of it at ends of arenas" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct report report;

		start(&report, MIB(1000));
		put(&report, "heap.top", MIB(600));
		report.heap.totals.free_resident_bytes = MIB(600);
		report.heap.totals.trimmable_bytes = MIB(6);
		report.heap.totals.pinned_free_bytes = MIB(594);
		report.heap.totals.pinned = rows[i].pinned;
		diagnosis_fill(&report, &nothing);
		verdict_fill(&report);
		assert_non_null(strstr(report.diagnosis.items[0].first_step, rows[i].step));
		assert_non_null(strstr(report.verdict, rows[i].verdict));
		report_deinit(&report);
	}
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

/* dumpcore cannot capture it, so nobody is sent there. */
static void a_32_bit_program_is_not_sent_to_dumpcore(void **state)
{
	const struct diagnosis_facts facts = { .is_32_bit = true };

	(void)state;
	for (int found = 0; found < 2; found++) {
		struct report report;

		start(&report, 0);
		report.memory.has_resident = report.evidence.has_residency = false;
		report.heap.found = found;
		if (found) {
			put(&report, "heap.binned", MIB(60));
			report.heap.totals.system_bytes = MIB(70);
		}
		judge(&report, &facts);
		check_rows(&report);
		assert_string_equal(report.diagnosis.items[0].id, found ? "retention" : "not-told");
		assert_null(strstr(report.verdict, "dumpcore"));
		assert_non_null(strstr(report.verdict, "/proc/PID/"));
		report_deinit(&report);
	}
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
		{ "shared", "shared-memory", false },
		{ "not_captured", "not-captured", false },
		{ "unwalkable", "not-captured", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct diagnosis_facts facts = { .is_java = rows[i].is_java, .threads = 9 };
		struct report report;

		start(&report, MIB(1000));
		put(&report, rows[i].bucket, MIB(900));
		put(&report, "java.heap", MIB(rows[i].is_java ? 9 : 0));
		judge(&report, &facts);
		check_rows(&report);
		assert_non_null(find(&report, rows[i].id));
		assert_null(find(&report, "no-excess"));
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
	report.memory.buckets.items[0].resident_bytes = 0;
	diagnosis_fill(&report, &nothing);
	assert_null(find(&report, "not-glibc"));
	assert_int_equal(diagnosis_foreign_bytes(&report), 0);
	report_deinit(&report);

	/* written, then made inaccessible: it stays in RAM */
	start(&report, MIB(1000));
	put(&report, "anonymous.reserved", MIB(900));
	judge(&report, &nothing);
	assert_non_null(find(&report, "not-glibc"));
	assert_non_null(strstr(report.verdict, "900 MiB (90 %) is other anonymous memory"));
	report_deinit(&report);
}

/* The data that a heap is found by was cut off or left out: brk memory is malloc's as a rule, and
 * nothing in the file speaks against it. */
static void a_heap_that_was_not_looked_for_is_not_denied(void **state)
{
	static const struct {
		bool complete, no_roots;
	} rows[] = { { false, false }, { true, true }, { false, true } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct diagnosis_facts facts = { .no_roots = rows[i].no_roots };
		struct report report;

		start(&report, MIB(1000));
		report.heap.found = false;
		report.evidence.complete = rows[i].complete;
		*vec_add(&report.evidence.missing) = "The file is cut short.";
		put(&report, "anonymous.brk", MIB(900));
		judge(&report, &facts);
		check_rows(&report);
		assert_null(find(&report, "not-glibc"));
		assert_non_null(find(&report, "heap-not-found"));
		assert_non_null(strstr(report.verdict, "does not tell a leak from retention"));
		assert_null(strstr(report.verdict, "there is no glibc heap"));
		report_deinit(&report);
	}
}

/* With half of the memory unknown, a comparison of what is known says nothing. */
static void unknown_memory_forbids_a_verdict(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "heap.binned", MIB(400));
	put(&report, "heap.in_use", MIB(100));
	put(&report, "unwalkable", MIB(300));
	put(&report, "not_captured", MIB(150));
	judge(&report, &nothing);
	assert_non_null(strstr(report.verdict, "does not tell a leak from retention: 450 MiB"));
	assert_null(strstr(report.verdict, "rather than a leak"));
	report_deinit(&report);
}

static void incomplete_evidence_is_said_in_the_verdict(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	report.evidence.complete = false;
	*vec_add(&report.evidence.missing) = "Some pages were torn.";
	put(&report, "heap.binned", MIB(600));
	judge(&report, &nothing);
	assert_non_null(strstr(report.verdict, "As far as incomplete evidence tells: This is reten"));
	report_deinit(&report);
}

/* Without compressed oops the Java heap lies anywhere: 0 bytes of it are no proof. */
static void a_java_heap_that_was_not_recognised_is_not_exonerated(void **state)
{
	const struct diagnosis_facts facts = { .is_java = true };
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "java.heap", 4096);
	put(&report, "anonymous.unknown", MIB(700));
	judge(&report, &facts);
	assert_null(find(&report, "java-heap-exonerated"));
	assert_non_null(strstr(report.verdict, "the Java heap was not recognised"));
	report_deinit(&report);

	start(&report, MIB(1000)); /* neither most of it nor little */
	put(&report, "java.heap", MIB(400));
	judge(&report, &facts);
	assert_null(find(&report, "java-heap-exonerated"));
	assert_null(find(&report, "java-heap"));
	report_deinit(&report);
}

static void one_chunk_is_no_chunks(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(1000));
	put(&report, "heap.mmapped", MIB(900));
	report.heap.mmapped = (struct report_sum){ 1, MIB(900), MIB(900) };
	*vec_add(&report.heap.size_classes) =
		(struct report_size_class){ MIB(900), "mmapped", 1, MIB(900) };
	judge(&report, &nothing);
	assert_non_null(strstr(report.diagnosis.items[0].evidence.items[0], "in 1 chunk that"));
	assert_non_null(strstr(report.diagnosis.items[0].evidence.items[1], ": 1 chunk of 943,"));
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
	assert_string_equal(report.diagnosis.items[0].evidence.items[0],
						"The largest part, heap.in_use, is 2 % of the RSS.");
	report_deinit(&report);

	start(&report, 0); /* another allocator, in a core without a page map */
	report.memory.has_resident = report.evidence.has_residency = report.heap.found = false;
	put(&report, "anonymous.unknown", MIB(900));
	judge(&report, &nothing);
	check_rows(&report);
	assert_string_equal(report.diagnosis.items[0].id, "not-told");
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

/* What no pointer leads to is said first, unless something that may hold it was not captured. */
static void unreachable_memory_is_most_likely_a_leak(void **state)
{
	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		struct report report;

		start(&report, MIB(1000));
		put(&report, "heap.in_use", MIB(700));
		report.heap.totals.in_use = (struct report_sum){ 8000, MIB(700), MIB(700) };
		report.references.asked = true;
		report.references.upper_bound = cut;
		report.references.anchored = (struct report_count){ 1000, MIB(100) };
		report.references.unreachable = (struct report_count){ 7000, MIB(600) };
		*vec_add(&report.references.sizes) =
			(struct report_size_class){ 1216, "in-use", 7000, MIB(600) };
		judge(&report, &nothing);
		check_rows(&report);
		assert_string_equal(report.diagnosis.items[0].id, "leak-suspect");
		assert_int_equal(strstr(report.diagnosis.items[0].title, "most likely a leak") == NULL,
						 cut);
		assert_int_equal(strstr(report.verdict,
								"most likely a leak: no pointer leads to 600 MiB in "
								"7,000 chunks") == NULL,
						 cut);
		assert_int_equal(
			strstr(report.diagnosis.items[0].first_step, "chunks of 1,216 bytes") == NULL, cut);
		assert_non_null(strstr(report.diagnosis.items[0].evidence.items[1],
							   cut ? "600 MiB in 7,000 live chunks, at most"
								   : "600 MiB in 7,000 live chunks."));
		report_deinit(&report);
	}
}

/* Sums of all bytes stand beside resident ones only with the reason. */
static void what_is_held_but_not_resident_is_told_apart(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(100));
	put(&report, "heap.in_use", MIB(80));
	report.heap.totals.in_use = (struct report_sum){ 1600, MIB(109), MIB(80) };
	judge(&report, &nothing);
	assert_string_equal(find(&report, "leak-suspect")->evidence.items[0],
						"80.0 MiB (80 % of the RSS) are in 1,600 chunks that the program holds "
						"(109 MiB with what is not resident).");
	assert_non_null(strstr(find(&report, "leak-suspect")->first_step, "--references"));
	/* no tool of the JVM for a program that is none */
	assert_null(strstr(find(&report, "leak-suspect")->advice, "async-profiler"));
	assert_non_null(strstr(find(&report, "leak-suspect")->advice, "heaptrack"));
	report_deinit(&report);
}

/* A rule that knows a thousandth of the freed bytes does not tell what they were used for. */
static void a_rule_speaks_for_freed_memory_only_if_it_knows_much(void **state)
{
	(void)state;
	for (int much = 0; much < 2; much++) {
		struct report report;
		bool said = false;

		start(&report, MIB(1000));
		put(&report, "heap.binned", MIB(600));
		*vec_add(&report.content.rules) = (struct report_rule){
			.id = "web.frame",
			.title = "a frame",
			.remediation = "",
			.stale = { .hits = 5, .chunks = 5, .bytes = much ? MIB(500) : MIB(1) },
		};
		judge(&report, &nothing);
		for (size_t i = 0; i < find(&report, "retention")->evidence.count; i++)
			said |= strstr(find(&report, "retention")->evidence.items[i], "used for") != NULL;
		assert_int_equal(said, much);
		report_deinit(&report);
	}
}

/* The allocator that has most is named, and not counted as other memory once more. */
static void the_verdict_names_another_allocator(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(200));
	report.heap.found = false;
	report.heap.replaced = "malloc is jemalloc.";
	put(&report, "anonymous.jemalloc", MIB(150));
	put(&report, "anonymous.unknown", MIB(30));
	*vec_add(&report.memory.owners) = (struct report_owner){ .id = "jemalloc",
															 .title = "jemalloc",
															 .certainty = "certain",
															 .is_malloc = true,
															 .module = "",
															 .basis = "",
															 .advice = "Ask it.",
															 .resident_bytes = MIB(150) };
	judge(&report, &nothing);
	assert_non_null(strstr(report.verdict,
						   "150 MiB (75 %) is anonymous memory of jemalloc and 30.0 "
						   "MiB (15 %) is other anonymous memory"));
	assert_non_null(strstr(report.verdict, "malloc is not glibc's"));
	report_deinit(&report);
}

/* Who manages a tenth of the RSS does not decide about the rest. */
static void a_small_allocator_does_not_forbid_a_verdict(void **state)
{
	struct report report;

	(void)state;
	start(&report, MIB(200));
	report.heap.found = false;
	report.heap.replaced = "malloc is jemalloc.";
	put(&report, "module", MIB(180));
	put(&report, "anonymous.jemalloc", MIB(20));
	judge(&report, &nothing);
	assert_non_null(strstr(report.verdict, "Anonymous memory is not the main part"));
	assert_null(strstr(report.verdict, "does not tell"));
	report_deinit(&report);
}

/* Where residency is unknown too, a file that is cut is said in the verdict. */
static void a_cut_core_is_said_in_the_verdict(void **state)
{
	(void)state;
	for (int found = 0; found < 2; found++) {
		struct report report;

		start(&report, 0);
		report.memory.has_resident = report.evidence.has_residency = false;
		report.evidence.complete = false;
		report.heap.found = found;
		*vec_add(&report.evidence.missing) = "The file is cut short.";
		put(&report, "heap.in_use", MIB(80));
		judge(&report, &nothing);
		assert_int_equal(strncmp(report.verdict, "The file is INCOMPLETE. ", 24), 0);
		report_deinit(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freed_memory_is_retention),
		cmocka_unit_test(pinned_memory_is_not_promised_to_trim),
		cmocka_unit_test(what_pins_most_decides_the_step),
		cmocka_unit_test(held_memory_is_a_suspect_not_a_proof),
		cmocka_unit_test(small_parts_are_never_grave),
		cmocka_unit_test(without_residency_confidence_is_low),
		cmocka_unit_test(a_32_bit_program_is_not_sent_to_dumpcore),
		cmocka_unit_test(torn_or_cut_evidence_lowers_confidence),
		cmocka_unit_test(each_part_has_its_row),
		cmocka_unit_test(reservations_are_nobodys_memory),
		cmocka_unit_test(nothing_large_is_said_as_well),
		cmocka_unit_test(a_heap_that_was_not_looked_for_is_not_denied),
		cmocka_unit_test(unknown_memory_forbids_a_verdict),
		cmocka_unit_test(incomplete_evidence_is_said_in_the_verdict),
		cmocka_unit_test(a_java_heap_that_was_not_recognised_is_not_exonerated),
		cmocka_unit_test(one_chunk_is_no_chunks),
		cmocka_unit_test(untouched_and_swapped_are_told_from_rss),
		cmocka_unit_test(unreachable_memory_is_most_likely_a_leak),
		cmocka_unit_test(what_is_held_but_not_resident_is_told_apart),
		cmocka_unit_test(a_rule_speaks_for_freed_memory_only_if_it_knows_much),
		cmocka_unit_test(the_verdict_names_another_allocator),
		cmocka_unit_test(a_small_allocator_does_not_forbid_a_verdict),
		cmocka_unit_test(a_cut_core_is_said_in_the_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
