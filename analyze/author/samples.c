#include "analyze/author/samples.h"

#include "analyze/author/explain_text.h"
#include "analyze/author/sample_heap.h"
#include "analyze/rules/rule_schema.h"
#include "analyze/content/unit_scan.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

/* What the first match showed. */
struct seen {
	const struct rule *rule;
	size_t hits;
	vaddr at;
	uint64_t bytes;
	struct {
		const char *name;
		struct strbuf text;
	} values[MATCH_CAPTURES + 1];
	size_t count;
};

static void keep(struct seen *seen, const char *name, struct span text)
{
	seen->values[seen->count].name = name;
	strbuf_clear(&seen->values[seen->count].text);
	strbuf_add(&seen->values[seen->count].text, text.data, text.size);
	seen->count++;
}

static void watch(void *context, const struct raw_hit *hit, const struct match *match)
{
	struct seen *seen = context;
	const struct match_capture *by;
	struct strbuf key = { 0 };

	if (seen->hits++ && hit->at >= seen->at)
		return;
	seen->at = hit->at;
	seen->bytes = seen->rule->extent == RULE_EXTENT_CHUNK ? hit->chunk.bytes : hit->bytes;
	seen->count = 0;
	for (size_t i = 0; i < match->captures; i++)
		if (match->capture[i].text.data)
			keep(seen, match->capture[i].name, match->capture[i].text);
	by = seen->rule->aggregate.by ? match_find(match, seen->rule->aggregate.by) : NULL;
	if (by && by->text.data) {
		aggregate_key(&seen->rule->aggregate, by->text, &key);
		keep(seen, "key", strbuf_span(&key));
	}
	strbuf_deinit(&key);
}

static void seen_deinit(struct seen *seen)
{
	for (size_t i = 0; i <= MATCH_CAPTURES; i++)
		strbuf_deinit(&seen->values[i].text);
}

/* Scans the heap with one rule alone. */
static bool scan_heap(const struct rule_set *set, uint32_t index, struct sample_heap *heap,
					  bool brute, struct seen *seen, struct err *err)
{
	AUTO_FREE bool *applies = mem_zeroed(set->rules.count, sizeof *applies);
	struct unit_tables shared = {
		.rules = set,
		.applies = applies,
		.tables = { &heap->image, NULL, &heap->chunks },
		.runs = &heap->runs,
		.brute = brute,
	};
	struct unit_worker *worker;
	struct unit_result result = { 0 };
	bool good = true;

	applies[index] = true;
	unit_tables_init(&shared);
	worker = unit_worker_create(&shared, err);
	if (!worker) {
		unit_tables_deinit(&shared);
		return false;
	}
	unit_worker_watch(worker, watch, seen);
	for (size_t i = 0; i < heap->runs.units.count; i++)
		good &= unit_scan(worker, &heap->runs.units.items[i], &result);
	unit_result_deinit(&result);
	unit_worker_destroy(worker);
	unit_tables_deinit(&shared);
	return good || err_set(err, ERR_SYSTEM, "libhs failed on a sample");
}

static struct span seen_value(const struct seen *seen, const char *name, struct strbuf *number)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->values[i].name, name) == 0)
			return strbuf_span(&seen->values[i].text);
	if (strcmp(name, "bytes") == 0)
		strbuf_printf(number, "%" PRIu64, seen->bytes);
	return strbuf_span(number);
}

/* Why the rule found nothing in the heap. */
static void put_reason(const struct rule_set *set, uint32_t index, const struct sample_heap *heap,
					   struct strbuf *out)
{
	struct explain explain = { 0 };
	struct explain_input input = {
		.rules = set,
		.rule = index,
		.tables = { &heap->image, NULL, &heap->chunks },
		.runs = &heap->runs,
	};
	struct explain_report report = { .explain = &explain, .tables = &input.tables };
	struct err err = { 0 };

	if (explain_fill(&explain, &input, heap->start, &err) && explain.verdict != EXPLAIN_HIT) {
		strbuf_puts(out, ": ");
		explain_short(&report, out);
	}
	explain_deinit(&explain);
}

static void put_differences(const struct rule_test *test, const struct seen *seen,
							struct schema *schema, struct strbuf *out)
{
	for (size_t i = 0; i < test->expect.count; i++) {
		const struct rule_expectation *want = &test->expect.items[i];
		struct strbuf number = { 0 };
		struct span got = seen_value(seen, want->name, &number);

		if (!span_equal(got, want->value))
			strbuf_printf(out, "%s%s='%s', want '%s'", out->size ? "; " : "matched, but ",
						  want->name, schema_quote(schema, got), schema_quote(schema, want->value));
		strbuf_deinit(&number);
	}
}

/* What a scan of a sample showed: "matched, but event='x', want 'kick'"; empty where all is as
 * expected. */
static void judge(const struct rule_set *set, uint32_t index, const struct rule_test *test,
				  const struct sample_heap *heap, const struct seen *seen, struct schema *schema,
				  struct strbuf *out)
{
	if (!test->wants_match && seen->hits) {
		strbuf_printf(out, "matched %" PRIu64 " bytes from +%" PRIu64 ", want none", seen->bytes,
					  seen->at - heap->start - heap->chunks.header_bytes);
	} else if (test->wants_match && !seen->hits) {
		strbuf_puts(out, "did not match");
		put_reason(set, index, heap, out);
	} else {
		put_differences(test, seen, schema, out);
	}
}

static void report_failure(const struct rule_test *test, const struct strbuf verdicts[2],
						   struct schema *schema)
{
	const struct strbuf *said = &verdicts[verdicts[0].size == 0];

	rule_message_add(schema->sink, test->place, "R050", "test '%s': %s%s",
					 schema_quote(schema, span_string(test->name)), strbuf_text(said),
					 !verdicts[0].size   ? " (only without the prefilter)"
					 : !verdicts[1].size ? " (only with the prefilter: no keyword found it)"
										 : "");
}

static bool run_test(const struct rule_set *set, uint32_t index, const struct rule_test *test,
					 struct schema *schema, bool *passed, struct err *err)
{
	const struct rule *rule = &set->rules.items[index];
	struct strbuf verdicts[2] = { { 0 }, { 0 } };
	bool good = true;

	for (int brute = 0; good && brute < 2; brute++) {
		struct seen seen = { .rule = rule };
		struct sample_heap heap;

		sample_heap_init(&heap, rule, test);
		good = scan_heap(set, index, &heap, brute, &seen, err);
		judge(set, index, test, &heap, &seen, schema, &verdicts[brute]);
		seen_deinit(&seen);
		sample_heap_deinit(&heap);
	}
	*passed = !verdicts[0].size && !verdicts[1].size;
	if (good && !*passed)
		report_failure(test, verdicts, schema);
	strbuf_deinit(&verdicts[0]);
	strbuf_deinit(&verdicts[1]);
	return good;
}

bool samples_run(const struct rule_set *set, uint32_t index, struct rule_sink *sink,
				 struct samples_count *count, struct err *err)
{
	const struct rule *rule = &set->rules.items[index];
	struct schema schema = { sink, sink->pool };
	bool good = true;

	sink->rule = rule->id;
	for (size_t i = 0; good && i < rule->tests.count; i++) {
		bool passed = false;

		good = run_test(set, index, &rule->tests.items[i], &schema, &passed, err);
		count->passed += passed;
		count->failed += !passed;
	}
	sink->rule = NULL;
	return good;
}
