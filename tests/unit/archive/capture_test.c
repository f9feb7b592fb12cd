#include "tests/unit/unit.h"

#include "archive/capture.h"

#include <string.h>

static const struct capture_facts sample = {
	.tool = "dumpcore 0.1.0",
	.consistency = "freeze",
	.captured_at = "2026-11-21T08:00:00Z",
	.host = "box",
	.kernel = "6.18",
	.machine = "x86_64",
	.comm = "we\"ird\\\n",
	.exe = "/opt/caf\xc3\xa9",
	.selection = "native",
	.command = "dumpcore -o a\xff 42",
	.pid = 42,
	.page_size = 4096,
};

static void encode_sample(struct strbuf *out)
{
	struct capture_facts facts = sample;

	*vec_add(&facts.gaps) = (struct capture_gap){ { 0x1000, 0x3000 }, "java heap" };
	*vec_add(&facts.gaps) = (struct capture_gap){ { 0x7000, UINT64_MAX - 0xfff }, "swapped" };
	capture_facts_encode(&facts, out);
	vec_deinit(&facts.gaps);
}

static void facts_come_back(void **state)
{
	struct strbuf json = { 0 };
	struct pool pool = { 0 };
	struct capture_facts facts;
	struct err err = { 0 };

	(void)state;
	encode_sample(&json);
	assert_true(capture_facts_decode(strbuf_span(&json), &pool, &facts, &err));
	assert_string_equal(facts.tool, sample.tool);
	assert_string_equal(facts.comm, sample.comm);
	assert_string_equal(facts.exe, sample.exe);
	assert_string_equal(facts.command, "dumpcore -o a\\xff 42");
	assert_int_equal(facts.pid, 42);
	assert_int_equal(facts.page_size, 4096);
	assert_int_equal(facts.gaps.count, 2);
	assert_int_equal(facts.gaps.items[0].range.start, 0x1000);
	assert_true(facts.gaps.items[1].range.end == UINT64_MAX - 0xfff);
	assert_string_equal(facts.gaps.items[0].reason, "java heap");
	vec_deinit(&facts.gaps);
	pool_deinit(&pool);
	strbuf_deinit(&json);
}

static void outcomes_come_back(void **state)
{
	struct capture_outcome outcome = { .reason = "the process ended", .pause_ns = 12345678901 };
	struct capture_outcome back;
	struct strbuf json = { 0 };
	struct pool pool = { 0 };
	struct err err = { 0 };

	(void)state;
	outcome.memory_bytes = UINT64_C(1) << 40;
	*vec_add(&outcome.errors) = (struct capture_gap){ { 0x1000, 0x2000 }, "EFAULT" };
	capture_outcome_encode(&outcome, &json);
	assert_true(capture_outcome_decode(strbuf_span(&json), &pool, &back, &err));
	assert_false(back.complete);
	assert_string_equal(back.reason, "the process ended");
	assert_true(back.pause_ns == 12345678901 && back.memory_bytes == UINT64_C(1) << 40);
	assert_int_equal(back.errors.count, 1);
	vec_deinit(&outcome.errors);
	vec_deinit(&back.errors);
	pool_deinit(&pool);
	strbuf_deinit(&json);
}

static void missing_and_foreign_members_pass(void **state)
{
	static const char text[] = "{\"pid\":-1,\"later\":[1],\"gaps\":[7,{\"start\":\"0x2\",\"end\":"
							   "\"0x1\"},{\"start\":\"0x1z\",\"end\":\"0x9\"},{\"start\":\"0x1\","
							   "\"end\":\"0x2\"}],\"exe\":5}";
	struct capture_facts facts;
	struct pool pool = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_true(capture_facts_decode(span_string(text), &pool, &facts, &err));
	assert_string_equal(facts.exe, "");
	assert_string_equal(facts.tool, "");
	assert_int_equal(facts.pid, 0);
	assert_int_equal(facts.gaps.count, 1);
	assert_string_equal(facts.gaps.items[0].reason, "");
	vec_deinit(&facts.gaps);
	pool_deinit(&pool);
}

static void what_is_no_object_is_refused(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "7", "{\"a\":1", "{\"a\":\"\\ud800\"}" };
	struct capture_outcome outcome;
	struct capture_facts facts;
	struct pool pool = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct err err = { 0 };

		assert_false(capture_facts_decode(span_string(texts[i]), &pool, &facts, &err));
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_string_equal(facts.comm, "");
		assert_false(capture_outcome_decode(span_string(texts[i]), &pool, &outcome, &err));
		assert_string_equal(outcome.reason, "");
	}
	pool_deinit(&pool);
}

/* Every truncation and every bit flip of a good text is read or refused, never more. */
static void damage_is_survived(void **state)
{
	struct strbuf json = { 0 };
	struct capture_facts facts;

	(void)state;
	encode_sample(&json);
	for (size_t i = 0; i < json.size * 8; i++) {
		struct pool pool = { 0 };

		json.data[i / 8] = (char)(json.data[i / 8] ^ 1 << i % 8);
		capture_facts_decode(strbuf_span(&json), &pool, &facts, NULL);
		vec_deinit(&facts.gaps);
		json.data[i / 8] = (char)(json.data[i / 8] ^ 1 << i % 8);
		capture_facts_decode(span_part(strbuf_span(&json), 0, i / 8), &pool, &facts, NULL);
		vec_deinit(&facts.gaps);
		pool_deinit(&pool);
	}
	strbuf_deinit(&json);
}

/* Where a stop ended before all was read: an address, only where it is so. */
static void the_torn_part_comes_back(void **state)
{
	static const vaddr places[] = { 0, 0x7f0012345000, UINT64_MAX - 4095 };

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct capture_outcome outcome = { .reason = "late", .torn_from = places[i] }, back;
		struct strbuf json = { 0 };
		struct pool pool = { 0 };

		capture_outcome_encode(&outcome, &json);
		assert_int_equal(strstr(strbuf_text(&json), "torn_from") != NULL, places[i] != 0);
		assert_true(capture_outcome_decode(strbuf_span(&json), &pool, &back, NULL));
		assert_true(back.torn_from == places[i]);
		assert_string_equal(back.reason, "late");
		vec_deinit(&back.errors);
		strbuf_deinit(&json);
		pool_deinit(&pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_come_back),
		cmocka_unit_test(outcomes_come_back),
		cmocka_unit_test(the_torn_part_comes_back),
		cmocka_unit_test(missing_and_foreign_members_pass),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
