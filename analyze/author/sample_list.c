#include "analyze/author/sample_list.h"

#include "analyze/author/sample_heap.h"
#include "analyze/rules/rule.h"
#include "base/text.h"

#include <elf.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *expectation(const struct rule_test *test)
{
	return test->wants_match ? "match" : "none";
}

static json_t *hex_to_json(struct span bytes)
{
	struct strbuf text = { 0 };
	json_t *value;

	for (size_t i = 0; i < bytes.size; i++)
		strbuf_printf(&text, "%02x", bytes.data[i]);
	value = json_string(strbuf_text(&text));
	strbuf_deinit(&text);
	return value;
}

static json_t *word_to_json(const struct rule *rule, const struct rule_test_word *word)
{
	static const char *const kinds[] = {
		[RULE_WORD_NUMBER] = "number",
		[RULE_WORD_SELF] = "self",
		[RULE_WORD_CHUNK] = "chunk",
		[RULE_WORD_FREE] = "free",
	};
	char value[24];
	json_t *object;

	snprintf(value, sizeof value, "0x%" PRIx64, word->value);
	object = json_pack("{s:i, s:i, s:s, s:s}", "at", (int)word->at, "bytes",
					   (int)sample_word_bytes(rule, word->at), "kind", kinds[word->kind], "value",
					   value);
	if (word->header)
		json_object_set_new(object, "header", json_integer(word->header));
	if (word->has_back)
		json_object_set_new(object, "back", json_integer(word->back));
	return object;
}

static bool has_word(const struct rule_test *test, uint32_t at)
{
	for (size_t i = 0; i < test->words.count; i++)
		if (test->words.items[i].at == at)
			return true;
	return false;
}

/* The words the sample gives, then those the rule looks at besides: they are 0. */
static json_t *words_to_json(const struct rule *rule, const struct rule_test *test)
{
	json_t *array = json_array();

	for (size_t i = 0; i < test->words.count; i++)
		json_array_append_new(array, word_to_json(rule, &test->words.items[i]));
	for (size_t i = 0; i < rule->structure.words.count; i++) {
		struct rule_test_word word = { .at = rule->structure.words.items[i].at };

		if (!has_word(test, word.at))
			json_array_append_new(array, word_to_json(rule, &word));
	}
	return array;
}

static json_t *sample_to_json(const struct rule *rule, const struct rule_test *test)
{
	json_t *object = json_pack("{s:s, s:s, s:i}", "name", test->name, "expect", expectation(test),
							   "line", (int)test->place.line);

	if (test->size)
		json_object_set_new(object, "size", json_integer((json_int_t)test->size));
	if (test->is_words)
		json_object_set_new(object, "words", words_to_json(rule, test));
	else
		json_object_set_new(object, "hex", hex_to_json(test->bytes));
	return object;
}

static json_t *states_to_json(uint32_t states)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < CHUNK_STATES; i++)
		if (states >> i & 1)
			json_array_append_new(array, json_string(chunk_state_name((enum chunk_state)i)));
	return array;
}

static json_t *arch_to_json(uint32_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return json_string("x86_64");
	case EM_386:
		return json_string("i386");
	case EM_AARCH64:
		return json_string("aarch64");
	case EM_ARM:
		return json_string("arm");
	default:
		return json_null();
	}
}

/* The size of no limit is null. */
static json_t *limit_to_json(uint64_t bytes)
{
	return bytes > INT64_MAX ? json_null() : json_integer((json_int_t)bytes);
}

static json_t *scan_to_json(const struct rule *rule)
{
	const struct rule_scan *scan = &rule->scan;
	json_t *object = json_object();

	json_object_set_new(
		object, "anchor",
		json_string(scan->anchor == RULE_ANCHOR_CHUNK_START ? "chunk-start" : "any"));
	json_object_set_new(object, "states", states_to_json(scan->states));
	json_object_set_new(object, "min_size", limit_to_json(scan->sizes.min));
	json_object_set_new(object, "max_size", limit_to_json(scan->sizes.max));
	json_object_set_new(object, "arch", arch_to_json(scan->machine));
	json_object_set_new(object, "word",
						scan->word ? json_integer(8 * (json_int_t)scan->word) : json_null());
	return object;
}

static json_t *rule_to_json(const struct rule *rule)
{
	json_t *object = json_object(), *samples = json_array();

	for (size_t i = 0; i < rule->tests.count; i++)
		json_array_append_new(samples, sample_to_json(rule, &rule->tests.items[i]));
	json_object_set_new(object, "id", json_string(rule->id));
	json_object_set_new(object, "scan", scan_to_json(rule));
	json_object_set_new(object, "samples", samples);
	return object;
}

static void list_json(const struct rule_set *set, struct strbuf *out)
{
	json_t *array = json_array();
	char *text;

	for (size_t i = 0; i < set->rules.count; i++)
		json_array_append_new(array, rule_to_json(&set->rules.items[i]));
	text = json_dumps(array, JSON_INDENT(2));
	strbuf_printf(out, "%s\n", text ? text : "[]");
	free(text);
	json_decref(array);
}

static size_t widest_id(const struct rule_set *set)
{
	size_t width = strlen("RULE");

	for (size_t i = 0; i < set->rules.count; i++) {
		size_t length = strlen(set->rules.items[i].id);

		width = length > width ? length : width;
	}
	return width;
}

static void list_line(const struct rule *rule, const struct rule_test *test, size_t width,
					  struct strbuf *out)
{
	uint64_t bytes = test->is_words ? test->size : test->bytes.size;

	strbuf_printf(out, "%-*s  %-6s  %-5s  %8" PRIu64 "  ", (int)width, rule->id, expectation(test),
				  test->is_words ? "words" : "bytes", bytes);
	text_escape(span_string(test->name), out);
	strbuf_putc(out, '\n');
}

void sample_list(const struct rule_set *set, bool json, struct strbuf *out)
{
	size_t width = widest_id(set);

	if (json) {
		list_json(set, out);
		return;
	}
	strbuf_printf(out, "%-*s  %-6s  %-5s  %8s  %s\n", (int)width, "RULE", "EXPECT", "KIND", "BYTES",
				  "SAMPLE");
	for (size_t i = 0; i < set->rules.count; i++)
		for (size_t j = 0; j < set->rules.items[i].tests.count; j++)
			list_line(&set->rules.items[i], &set->rules.items[i].tests.items[j], width, out);
}
