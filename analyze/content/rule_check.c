/* What `rules list`, `rules check` and `rules test` do with a loaded set. */
#include "analyze/content/byte_set.h"
#include "analyze/content/rule.h"
#include "analyze/content/rule_tree.h"
#include "analyze/content/rule_set.h"
#include "analyze/content/samples.h"
#include "analyze/content/stress.h"
#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void check_tests(const struct rule *rule, struct rule_sink *sink)
{
	size_t wanting = 0;

	for (size_t i = 0; i < rule->tests.count; i++)
		wanting += rule->tests.items[i].wants_match;
	if (!wanting)
		rule_message_add(sink, rule->place, "R051", "no test that expects a match");
	if (wanting == rule->tests.count)
		rule_message_add(sink, rule->place, "R052", "no test with expect: none");
}

/* Bytes a match can start with; a rule without keywords tries the pattern at each. */
static size_t count_starts(const struct rule *rule)
{
	const uint8_t *first = confirm_first_bytes(rule->confirm);
	size_t count = 0;

	for (unsigned byte = 0; byte < 256; byte++)
		count += byte_set_has(first, byte);
	return count;
}

static void check_search(const struct rule *rule, struct rule_sink *sink)
{
	enum { FEW_STARTS = 4 };

	if (!rule->confirm)
		return;
	if (rule->keywords.count && !rule->coverage_known)
		rule_message_add(sink, rule->keywords.items[0].place, "W062",
						 "cannot tell whether every branch contains a keyword; the tests decide");
	if (!rule->keywords.count && rule->scan.anchor == RULE_ANCHOR_ANY &&
		count_starts(rule) > FEW_STARTS)
		rule_message_add(
			sink, rule->source->place, "W061",
			"scans every byte: no keyword, and a match can start with any of %zu bytes",
			count_starts(rule));
}

static void check_cost(const struct rule *rule, struct rule_sink *sink)
{
	struct stress_result result = stress_run(rule);

	if (result.undecided)
		rule_message_add_caret(sink, rule->source->place, "R060",
							   "the match limit is hit on %s; look for a repeat inside a repeat",
							   result.buffer);
	else if (result.slow)
		rule_message_add_caret(sink, rule->source->place, "R060",
							   "%.1f ms on %s; limit %.0f ms; look for a repeat inside a repeat",
							   (double)result.ns / 1e6, result.buffer,
							   (double)STRESS_LIMIT_NS / 1e6);
}

void rule_set_check(struct rule_set *set, rule_messages *messages)
{
	struct rule_sink sink = { messages, &set->pool, NULL, 0 };
	struct samples_count count = { 0 };

	for (uint32_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];
		struct err err = { 0 };

		sink.rule = rule->id;
		check_tests(rule, &sink);
		check_search(rule, &sink);
		check_cost(rule, &sink);
		if (!samples_run(set, i, &sink, &count, &err))
			rule_message_add(&sink, rule->place, "R050", "its tests cannot run: %s", err.what);
	}
}

bool rule_set_test(struct rule_set *set, struct strbuf *out)
{
	rule_messages messages = { 0 };
	struct rule_sink sink = { &messages, &set->pool, NULL, 0 };
	struct samples_count count = { 0 };
	struct err err = { 0 };
	bool good = true;

	for (uint32_t i = 0; good && i < set->rules.count; i++)
		good = samples_run(set, i, &sink, &count, &err);
	for (size_t i = 0; i < messages.count; i++)
		strbuf_printf(out, "%s\n", messages.items[i].text);
	if (!good)
		strbuf_printf(out, "error: %s\n", err.what);
	strbuf_printf(out, "%zu rules, %zu tests passed, %zu failed\n", set->rules.count, count.passed,
				  count.failed);
	vec_deinit(&messages);
	return good && !count.failed;
}

static void list_table(const struct rule_set *set, struct strbuf *out)
{
	size_t width = strlen("ID");

	for (size_t i = 0; i < set->rules.count; i++) {
		size_t length = strlen(set->rules.items[i].id);

		width = length > width ? length : width;
	}
	strbuf_printf(out, "%-*s  %-8s  %-10s  %5s  %s\n", (int)width, "ID", "SEVERITY", "CONFIDENCE",
				  "TESTS", "TITLE");
	for (size_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];

		strbuf_printf(out, "%-*s  %-8s  %-10s  %5zu  ", (int)width, rule->id,
					  severity_name(rule->severity), confidence_name(rule->confidence),
					  rule->tests.count);
		text_escape(span_string(rule->title), out);
		strbuf_putc(out, '\n');
	}
}

static json_t *texts_to_json(const char *const *items, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(items[i]));
	return array;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static json_t *rule_to_json(const struct rule *rule)
{
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I}", "id", rule->id, "title",
		rule->title, "severity", severity_name(rule->severity), "confidence",
		confidence_name(rule->confidence), "priority", (json_int_t)rule->priority, "kind",
		rule->confirm ? "pattern" : "structure", "author", or_empty(rule->author), "description",
		or_empty(rule->description), "remediation", or_empty(rule->remediation), "keywords",
		(json_int_t)rule->keywords.count, "tests", (json_int_t)rule->tests.count);

	if (object) {
		json_object_set_new(object, "tags", texts_to_json(rule->tags.items, rule->tags.count));
		json_object_set_new(object, "references",
							texts_to_json(rule->references.items, rule->references.count));
		json_object_set_new(object, "file", json_string(rule->place.source->path));
		json_object_set_new(object, "line", json_integer((json_int_t)rule->place.line));
	}
	return object;
}

static void list_json(const struct rule_set *set, struct strbuf *out)
{
	json_t *array = json_array();
	char *text;

	for (size_t i = 0; i < set->rules.count; i++)
		json_array_append_new(array, rule_to_json(&set->rules.items[i]));
	text = json_dumps(array, JSON_INDENT(2));
	strbuf_printf(out, "%s\n", or_empty(text));
	free(text);
	json_decref(array);
}

void rule_set_list(const struct rule_set *set, bool json, struct strbuf *out)
{
	if (json)
		list_json(set, out);
	else
		list_table(set, out);
}
