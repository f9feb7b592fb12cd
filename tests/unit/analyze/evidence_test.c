#include "tests/unit/unit.h"

#include "analyze/attribute/evidence.h"
#include "tests/support/attribute_builder.h"

#include <string.h>

/* A frozen capture that reached its end. */
static void start(struct attribute_builder *builder)
{
	attribute_builder_init(builder);
	attribute_builder_status(builder, "VmRSS: 4 kB\n");
	builder->core.has_facts = builder->core.has_outcome = true;
	builder->core.facts = (struct capture_facts){ .consistency = "freeze",
												  .captured_at = "2026-11-21T08:00:00Z",
												  .host = "h\x1b",
												  .kernel = "6",
												  .comm = "a\nb",
												  .exe = "/bin/x",
												  .pid = 7 };
	builder->core.outcome =
		(struct capture_outcome){ .complete = true, .reason = "", .pause_ns = 2500000 };
	*vec_add(&builder->core.threads) = (struct core_thread){ .tid = 7, .tp = 0x7000, .name = "a" };
}

static struct report_evidence fill_with(struct attribute_builder *builder, struct rule_tally tally,
										struct pool *pool)
{
	struct report_evidence evidence = { 0 };
	struct findings findings = { 0 };

	*vec_add(&findings.rules) = (struct finding_rule){ .id = "a.b", .tally = tally };
	evidence_fill(&evidence, "x.core", &builder->core, &builder->regions, &builder->heap, &findings,
				  pool);
	vec_deinit(&findings.rules);
	return evidence;
}

static struct report_evidence fill(struct attribute_builder *builder, struct pool *pool)
{
	return fill_with(builder, (struct rule_tally){ 0 }, pool);
}

static bool says(const struct report_evidence *evidence, const char *words)
{
	for (size_t i = 0; i < evidence->missing.count; i++)
		if (strstr(evidence->missing.items[i], words))
			return true;
	return false;
}

static void finish(struct attribute_builder *builder, struct report_evidence *evidence,
				   struct pool *pool)
{
	vec_deinit(&evidence->unknown);
	vec_deinit(&evidence->missing);
	vec_deinit(&evidence->gaps);
	pool_deinit(pool);
	attribute_builder_deinit(builder);
}

static void a_whole_capture_is_complete(void **state)
{
	struct attribute_builder builder;
	struct report_evidence evidence;
	struct pool pool = { 0 };

	(void)state;
	start(&builder);
	evidence = fill(&builder, &pool);
	assert_true(evidence.complete);
	assert_true(evidence.has_pause);
	assert_true(evidence.pause_ms > 2.4 && evidence.pause_ms < 2.6);
	assert_string_equal(evidence.comm, "a\\nb");
	assert_string_equal(evidence.host, "h\\x1b");
	assert_int_equal(evidence.missing.count, 0);
	assert_int_equal(evidence.unknown.count, 0);
	finish(&builder, &evidence, &pool);
}

static void make_truncated(struct core *core)
{
	core->truncated = true;
}

static void make_unfinished(struct core *core)
{
	core->has_outcome = false;
}

static void make_partial(struct core *core)
{
	core->outcome.complete = false;
	core->outcome.reason = "process ended";
}

static void make_torn(struct core *core)
{
	page_map_append(&core->page_map, (struct range){ 0x1000, 0x3000 }, PAGE_TORN);
}

static void make_damaged(struct core *core)
{
	*vec_add(&core->troubles) = "frame 7 is damaged";
}

static void every_loss_is_incomplete_and_said(void **state)
{
	static const struct {
		void (*make)(struct core *);
		const char *words;
	} rows[] = {
		{ make_truncated, "cut short" },        { make_unfinished, "did not reach its end" },
		{ make_partial, "process ended" },      { make_torn, "8.00 KiB were read while" },
		{ make_damaged, "frame 7 is damaged" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct attribute_builder builder;
		struct report_evidence evidence;
		struct pool pool = { 0 };

		start(&builder);
		rows[i].make(&builder.core);
		evidence = fill(&builder, &pool);
		assert_false(evidence.complete);
		assert_false(evidence_is_complete(&builder.core));
		assert_true(says(&evidence, rows[i].words));
		finish(&builder, &evidence, &pool);
	}
}

static void a_foreign_core_is_complete_of_its_kind(void **state)
{
	struct attribute_builder builder;
	struct report_evidence evidence;
	struct pool pool = { 0 };

	(void)state;
	attribute_builder_init(&builder);
	builder.core.writer = CORE_BY_OTHERS;
	builder.core.has_page_map = builder.regions.from_proc = builder.heap.found = false;
	memcpy(builder.core.comm, "seventeen-chars-x", sizeof builder.core.comm); /* no NUL */
	evidence = fill(&builder, &pool);
	assert_true(evidence.complete);
	assert_false(evidence.has_residency);
	assert_string_equal(evidence.comm, "seventeen-chars-x");
	assert_string_equal(evidence.consistency, "unknown");
	assert_true(says(&evidence, "no page map"));
	assert_true(says(&evidence, "no smaps"));
	assert_true(says(&evidence, "no glibc heap"));
	finish(&builder, &evidence, &pool);
}

static void drop_page_map(struct attribute_builder *builder)
{
	builder->core.has_page_map = false;
}

static void drop_page_map_of_32(struct attribute_builder *builder)
{
	builder->core.has_page_map = false;
	builder->core.word = 4;
}

static void drop_status(struct attribute_builder *builder)
{
	builder->core.documents.count = 0;
}

static void drop_smaps(struct attribute_builder *builder)
{
	builder->regions.from_proc = false;
	*vec_add(&builder->core.files) = (struct core_file){ .path = "/bin/x" };
}

static void drop_threads(struct attribute_builder *builder)
{
	builder->core.threads.count = 0;
}

static void drop_pointers(struct attribute_builder *builder)
{
	builder->core.threads.items[0].tp = 0;
}

static void drop_names(struct attribute_builder *builder)
{
	builder->core.threads.items[0].name[0] = '\0';
}

static void drop_facts(struct attribute_builder *builder)
{
	builder->core.has_facts = false;
	builder->core.pid = 7;
}

/* Of each thing that is not in a core exactly what follows from it is unknown. */
static void what_is_unknown_is_said_for_lack_of_what(void **state)
{
	static const struct {
		void (*drop)(struct attribute_builder *);
		const char *what, *lacks;
	} rows[] = {
		{ drop_page_map, "resident bytes", "no page map" },
		{ drop_page_map_of_32, "resident bytes", "no core of a 32-bit program has one" },
		{ drop_status, "the kernel's RSS", "status document" },
		{ drop_smaps, "names of mappings", "no smaps" },
		{ drop_threads, "threads", "NT_PRSTATUS" },
		{ drop_pointers, "arenas of threads", "fs_base" },
		{ drop_names, "names of threads", "no part of the core" },
		{ drop_facts, "the capture", "does not describe" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct attribute_builder builder;
		struct report_evidence evidence;
		struct pool pool = { 0 };

		start(&builder);
		rows[i].drop(&builder);
		evidence = fill(&builder, &pool);
		assert_int_equal(evidence.unknown.count, 1);
		assert_string_equal(evidence.unknown.items[0].what, rows[i].what);
		assert_non_null(strstr(evidence.unknown.items[0].lacks, rows[i].lacks));
		assert_true(says(&evidence, evidence.unknown.items[0].effect));
		vec_deinit(&builder.core.files);
		finish(&builder, &evidence, &pool);
	}
}

static void gaps_are_summed_by_reason(void **state)
{
	struct attribute_builder builder;
	struct report_evidence evidence;
	struct pool pool = { 0 };

	(void)state;
	start(&builder);
	page_map_append(&builder.core.page_map, (struct range){ 0x4000, 0x7000 }, PAGE_PRESENT);
	for (unsigned i = 0; i < 1000; i++)
		*vec_add(&builder.core.gaps) =
			(struct capture_gap){ { i * 0x2000, i * 0x2000 + 0x1000 }, i & 1 ? "odd\n" : "even" };
	evidence = fill(&builder, &pool);
	assert_int_equal(evidence.gaps.count, 1000);
	assert_string_equal(evidence.gaps.items[1].reason, "odd\\n");
	assert_int_equal(evidence.missing.count, 2);
	assert_true(says(&evidence, "1.95 MiB, 4.00 KiB resident, in 500 ranges (even)"));
	finish(&builder, &evidence, &pool);
}

static void what_a_rule_left_over_is_said(void **state)
{
	static const struct {
		struct rule_tally tally;
		const char *words;
	} rows[] = {
		{ { .undecided = 1 }, "1 place where a rule's pattern hit its limit: neither match nor" },
		{ { .undecided = 9, .given_up = GIVEN_UP_STRIKES },
		  "Rule a.b was too slow and was given up: 9 places are neither match nor no match. `" },
		{ { .undecided = 1, .given_up = GIVEN_UP_WORK },
		  "that take too much to prove: 1 place is neither match nor no match. Streams packed" },
		{ { .unsearched = 4096, .given_up = GIVEN_UP_STRIKES },
		  "Rule a.b was too slow and was given up: 4.00 KiB were not searched for it. `" },
		{ { .undecided = 9, .unsearched = 2 << 20, .given_up = GIVEN_UP_STRIKES },
		  "9 places are neither match nor no match, and 2.00 MiB were not searched for it. `" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct attribute_builder builder;
		struct report_evidence evidence;
		struct pool pool = { 0 };

		start(&builder);
		evidence = fill_with(&builder, rows[i].tally, &pool);
		assert_int_equal(evidence.missing.count, 1);
		assert_true(says(&evidence, rows[i].words));
		finish(&builder, &evidence, &pool);
	}
}

/* Two modules with writable data: the heap's roots are in the file where something of each is. */
static void roots_are_missed_where_a_module_lost_its_data(void **state)
{
	static const uint8_t bytes[4096];
	struct attribute_builder builder;
	struct region *idle;

	(void)state;
	start(&builder);
	attribute_builder_region(&builder, (struct range){ 0x1000, 0x3000 }, REGION_MODULE, 4096);
	attribute_builder_piece(&builder, (struct range){ 0x1000, 0x2000 }, bytes);
	assert_true(evidence_has_roots(&builder.core, &builder.image, &builder.regions));
	attribute_builder_region(&builder, (struct range){ 0x8000, 0x9000 }, REGION_MODULE, 0);
	assert_true(evidence_has_roots(&builder.core, &builder.image, &builder.regions));
	idle =
		attribute_builder_region(&builder, (struct range){ 0xa000, 0xb000 }, REGION_MODULE, 4096);
	assert_false(evidence_has_roots(&builder.core, &builder.image, &builder.regions));
	idle->protection = MAPPING_READ;
	assert_true(evidence_has_roots(&builder.core, &builder.image, &builder.regions));
	attribute_builder_deinit(&builder);
}

/* An i386 core of gcore has no thread pointers; control blocks in memory may tell all the same. */
static void threads_may_be_known_without_registers(void **state)
{
	struct core core = { 0 };
	struct heap heap = { 0 };

	(void)state;
	vec_add(&core.threads)->tid = 7;
	*vec_add(&heap.threads) = (struct heap_thread){ 7, -1 };
	assert_false(evidence_knows_threads(&core, &heap));
	heap.threads.items[0].arena = 0;
	assert_true(evidence_knows_threads(&core, &heap));
	heap.threads.items[0].arena = -1;
	core.threads.items[0].tp = 0x7000;
	assert_true(evidence_knows_threads(&core, &heap));
	vec_deinit(&core.threads);
	vec_deinit(&heap.threads);
}

/* The buckets' difference to the RSS, and a cause only where the way of the capture has one. */
static void a_residual_is_said_from_a_hundredth_on(void **state)
{
	static const struct {
		const char *consistency, *words;
		uint64_t rss;
		int64_t residual;
	} rows[] = {
		{ "freeze", NULL, 1 << 20, (1 << 20) / 100 },
		{ "freeze",
		  "so much less than the RSS; VmRSS lags by some pages, and no other cause is known",
		  1 << 20, 16 << 10 },
		{ "live", "so much more than the RSS; the process ran", 1 << 20, -(16 << 10) },
		{ "fork", "so much less than the RSS; what a clone does not get", 1 << 20, 16 << 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct report report = { 0 };
		struct core core = { .has_facts = true, .facts.consistency = rows[i].consistency };

		report.memory = (struct report_memory){ .has_resident = true,
												.resident_bytes = rows[i].rss,
												.residual_bytes = rows[i].residual };
		evidence_miss_residual(&report, &core);
		assert_int_equal(report.evidence.missing.count, rows[i].words != NULL);
		if (rows[i].words)
			assert_true(says(&report.evidence, rows[i].words));
		vec_deinit(&report.evidence.missing);
		pool_deinit(&report.pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_may_be_known_without_registers),
		cmocka_unit_test(a_whole_capture_is_complete),
		cmocka_unit_test(every_loss_is_incomplete_and_said),
		cmocka_unit_test(a_foreign_core_is_complete_of_its_kind),
		cmocka_unit_test(what_is_unknown_is_said_for_lack_of_what),
		cmocka_unit_test(a_residual_is_said_from_a_hundredth_on),
		cmocka_unit_test(gaps_are_summed_by_reason),
		cmocka_unit_test(what_a_rule_left_over_is_said),
		cmocka_unit_test(roots_are_missed_where_a_module_lost_its_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
