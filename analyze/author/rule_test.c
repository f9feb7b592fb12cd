#include "analyze/author/rule_test.h"

#include "analyze/rules/rule.h"
#include "analyze/rules/rule_set.h"
#include "analyze/author/message_json.h"
#include "analyze/author/samples.h"
#include "base/mem.h"
#include "base/size.h"

#include <jansson.h>
#include <stdlib.h>

/* How the samples of all rules fared. */
struct testing {
	rule_messages messages;
	struct samples_count *counts; /* per rule */
	struct samples_count sum;
	struct err err; /* a library refused */
};

static void run_all(struct testing *testing, struct rule_set *set)
{
	struct rule_sink sink = { &testing->messages, &set->pool, NULL, 0 };
	bool good = true;

	testing->counts = mem_zeroed(set->rules.count, sizeof *testing->counts);
	for (uint32_t i = 0; good && i < set->rules.count; i++) {
		good = samples_run(set, i, &sink, &testing->counts[i], &testing->err);
		testing->sum.passed += testing->counts[i].passed;
		testing->sum.failed += testing->counts[i].failed;
	}
	rule_messages_sort(&testing->messages);
}

static bool testing_deinit(struct testing *testing)
{
	bool good = !testing->sum.failed && testing->err.kind == ERR_NONE;

	vec_deinit(&testing->messages);
	free(testing->counts);
	return good;
}

/* Rules that an author has to look at. */
static void put_summary(const struct rule_set *set, const struct testing *testing,
						struct strbuf *out)
{
	for (size_t i = 0; i < set->rules.count; i++) {
		const struct samples_count *count = &testing->counts[i];

		if (count->failed)
			strbuf_printf(out, "%s: %zu of %zu tests failed\n", set->rules.items[i].id,
						  count->failed, count->failed + count->passed);
		else if (!count->passed)
			strbuf_printf(out, "%s: no tests\n", set->rules.items[i].id);
	}
}

bool rule_set_test(struct rule_set *set, struct strbuf *out)
{
	struct testing testing = { .messages = { 0 } };
	char rules[COUNT_TEXT], tests[COUNT_TEXT];

	run_all(&testing, set);
	for (size_t i = 0; i < testing.messages.count; i++)
		strbuf_printf(out, "%s\n", testing.messages.items[i].text);
	if (testing.err.kind != ERR_NONE)
		strbuf_printf(out, "error: %s\n", testing.err.what);
	put_summary(set, &testing, out);
	strbuf_printf(out, "%s, %s passed, %zu failed\n", count_of(set->rules.count, "rule", rules),
				  count_of(testing.sum.passed, "test", tests), testing.sum.failed);
	return testing_deinit(&testing);
}

bool rule_set_test_json(struct rule_set *set, const rule_messages *loading, struct strbuf *out)
{
	struct testing testing = { .messages = { 0 } };
	json_t *rules = json_array(), *messages = json_array();

	run_all(&testing, set);
	for (size_t i = 0; i < set->rules.count; i++)
		json_array_append_new(rules, json_pack("{s:s, s:I, s:I}", "id", set->rules.items[i].id,
											   "passed", (json_int_t)testing.counts[i].passed,
											   "failed", (json_int_t)testing.counts[i].failed));
	message_json_add(messages, loading);
	message_json_add(messages, &testing.messages);
	message_json_put(json_pack("{s:I, s:I, s:o, s:o, s:s?}", "passed",
							   (json_int_t)testing.sum.passed, "failed",
							   (json_int_t)testing.sum.failed, "rules", rules, "messages", messages,
							   "error", testing.err.kind != ERR_NONE ? testing.err.what : NULL),
					 out);
	return testing_deinit(&testing);
}
