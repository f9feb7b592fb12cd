#include "tests/unit/unit.h"

#include "analyze/report/json.h"
#include "tests/support/report_builder.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *render(void (*build)(struct report *))
{
	struct report report;
	struct strbuf out = { 0 };
	json_error_t error;
	json_t *json;

	build(&report);
	json_render(&report, &out);
	json = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		fail_msg("line %d: %s", error.line, error.text);
	strbuf_deinit(&out);
	report_deinit(&report);
	return json;
}

/* The member at "a.b.0.c". */
static json_t *at(json_t *json, const char *path)
{
	char *copy = strdup(path), *rest = copy, *word;

	while (json && (word = strsep(&rest, ".")))
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(word))
								   : json_object_get(json, word);
	free(copy);
	if (!json)
		fail_msg("no member %s", path);
	return json;
}

static void sizes_are_integers_and_addresses_texts(void **state)
{
	json_t *json = render(report_builder_java);

	(void)state;
	assert_string_equal(json_string_value(at(json, "schema")), "dumpcore.report/1");
	assert_string_equal(json_string_value(at(json, "tool.name")), "analyze");
	assert_int_equal(json_integer_value(at(json, "evidence.bytes")), INT64_C(2310) << 20);
	assert_string_equal(json_string_value(at(json, "evidence.gaps.0.start")), "0x700000000");
	assert_string_equal(json_string_value(at(json, "heap.arenas.0.kind")), "main");
	assert_string_equal(json_string_value(at(json, "heap.arenas.1.address")), "0x7f0004000030");
	assert_true(json_is_integer(at(json, "heap.arenas.1.threads.0.tid")));
	assert_int_equal(json_integer_value(at(json, "content.rules.0.live.hits")), 15020);
	assert_true(json_is_integer(at(json, "diagnosis.1.predicted_gain_bytes")));
	assert_true(json_is_null(at(json, "diagnosis.0.predicted_gain_bytes")));
	json_decref(json);
}

static void buckets_sum_to_the_rss(void **state)
{
	json_t *json = render(report_builder_java), *bucket;
	json_int_t sum = json_integer_value(at(json, "memory.residual_bytes"));
	size_t i;

	(void)state;
	json_array_foreach(at(json, "memory.buckets"), i, bucket) sum +=
		json_integer_value(json_object_get(bucket, "resident_bytes"));
	assert_int_equal(sum, json_integer_value(at(json, "memory.resident_bytes")));
	json_decref(json);
}

static void unknown_is_null_never_zero(void **state)
{
	json_t *json = render(report_builder_foreign);

	(void)state;
	assert_true(json_is_null(at(json, "memory.resident_bytes")));
	assert_true(json_is_null(at(json, "memory.residual_bytes")));
	assert_true(json_is_null(at(json, "memory.buckets.0.resident_bytes")));
	assert_true(json_is_null(at(json, "heap.totals.trimmable_bytes")));
	assert_true(json_is_null(at(json, "heap.arenas.0.in_use.resident_bytes")));
	assert_true(json_is_null(at(json, "evidence.pause_ms")));
	json_decref(json);
}

/* Whatever is in a name, the document parses and holds no raw control byte. */
static void hostile_names_leave_valid_json(void **state)
{
	json_t *json = render(report_builder_hostile);
	const char *name = json_string_value(at(json, "heap.arenas.0.threads.0.name"));

	(void)state;
	assert_non_null(strstr(name, "\\x1b[31m\\r\\n\\x07\\x9b"));
	for (const char *c = name; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
	json_decref(json);
}

static void build_with_stats(struct report *report)
{
	report_builder_java(report);
	report->content.has_stats = true;
	report->content.rules.items[0].stats.confirms = 15020;
	*vec_add(&report->content.quiet) = (struct report_rule){
		.id = "a.quiet",
		.title = "T",
		.severity = "low",
		.confidence = "low",
		.remediation = "",
		.stats = { .cpu_ns = 7, .slow = true },
	};
}

/* Times differ from run to run, so they are there only where somebody asks. */
static void stats_are_there_only_on_demand(void **state)
{
	json_t *without = render(report_builder_java), *with = render(build_with_stats);

	(void)state;
	assert_null(json_object_get(at(without, "content.rules.0"), "stats"));
	assert_int_equal(json_array_size(at(without, "content.rules")), 12);
	assert_int_equal(json_array_size(at(with, "content.rules")), 13);
	assert_int_equal(json_integer_value(at(with, "content.rules.0.stats.confirms")), 15020);
	assert_int_equal(json_integer_value(at(with, "content.rules.12.stats.cpu_ns")), 7);
	assert_true(json_is_true(at(with, "content.rules.12.stats.slow")));
	json_decref(without);
	json_decref(with);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_integers_and_addresses_texts),
		cmocka_unit_test(buckets_sum_to_the_rss),
		cmocka_unit_test(unknown_is_null_never_zero),
		cmocka_unit_test(hostile_names_leave_valid_json),
		cmocka_unit_test(stats_are_there_only_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
