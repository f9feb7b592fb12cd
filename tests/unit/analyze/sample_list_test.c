#include "tests/unit/unit.h"

#include "analyze/author/sample_list.h"
#include "tests/support/rule_text.h"

#include <jansson.h>

static const char pattern_rule[] =
	"- id: greeting\n  title: t\n  keywords: [hello]\n  pattern: 'hello [a-z]+'\n"
	"  scan: {anchor: chunk-start, states: [in-use, tcache], size: 64..4K}\n"
	"  tests:\n"
	"  - {name: \"a\\tworld\", text: 'hello world', expect: match}\n"
	"  - {name: none, hex: '00 ff', size: 64, expect: none}\n";

static const char structure_rule[] =
	"- id: node\n  title: t\n"
	"  structure:\n"
	"  - {at: 0, type: ptr, to: chunk-start, back: 8}\n"
	"  - {at: 8, type: u32, in: 0..9}\n"
	"  - {at: 16, type: ptr, to: self, in: 0..64}\n"
	"  - {at: 24, type: u16, in: 0..1}\n"
	"  scan: {when: {arch: x86_64}}\n"
	"  tests:\n"
	"  - {name: two, size: 64, words: {0: \"chunk:128@8\", 8: 7, 16: \"@32\"}, expect: match}\n"
	"  - {name: far, size: 64, words: {0: \"free:96\"}, expect: none}\n";

/* The array of one rule, as JSON; the caller ends it. */
static json_t *list(const char *rule)
{
	struct rule_text text;
	struct strbuf out = { 0 };
	json_t *root;

	rule_text_load_sound(&text, rule);
	sample_list(text.set, true, &out);
	root = json_loads(strbuf_text(&out), 0, NULL);
	assert_int_equal(json_array_size(root), 1);
	strbuf_deinit(&out);
	rule_text_deinit(&text);
	return root;
}

static void assert_json(const json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static json_t *sample(const json_t *root, size_t index)
{
	return json_array_get(json_object_get(json_array_get(root, 0), "samples"), index);
}

static void bytes_are_hex(void **state)
{
	json_t *root = list(pattern_rule);

	(void)state;
	assert_json(json_object_get(json_array_get(root, 0), "id"), "\"t.greeting\"");
	assert_json(json_object_get(json_array_get(root, 0), "scan"),
				"{\"anchor\":\"chunk-start\",\"states\":[\"in-use\",\"mmapped\",\"tcache\"],"
				"\"min_size\":64,\"max_size\":4096,\"arch\":null,\"word\":null}");
	assert_json(sample(root, 0), "{\"name\":\"a\\tworld\",\"expect\":\"match\",\"line\":10,"
								 "\"hex\":\"68656c6c6f20776f726c64\"}");
	assert_json(sample(root, 1), "{\"name\":\"none\",\"expect\":\"none\",\"line\":11,\"size\":64,"
								 "\"hex\":\"00ff\"}");
	json_decref(root);
}

static void words_are_whole(void **state)
{
	json_t *root = list(structure_rule);

	(void)state;
	assert_json(
		json_object_get(json_array_get(root, 0), "scan"),
		"{\"anchor\":\"any\",\"states\":[\"in-use\",\"mmapped\",\"tcache\",\"fastbin\","
		"\"binned\",\"top\"],\"min_size\":0,\"max_size\":null,\"arch\":\"x86_64\",\"word\":null}");
	/* a word that was left out is 0; each is as wide as the rule reads it */
	assert_json(json_object_get(sample(root, 0), "words"),
				"[{\"at\":0,\"bytes\":8,\"kind\":\"chunk\",\"value\":\"0x80\",\"back\":8},"
				"{\"at\":8,\"bytes\":4,\"kind\":\"number\",\"value\":\"0x7\"},"
				"{\"at\":16,\"bytes\":8,\"kind\":\"self\",\"value\":\"0x20\"},"
				"{\"at\":24,\"bytes\":2,\"kind\":\"number\",\"value\":\"0x0\"}]");
	assert_json(json_array_get(json_object_get(sample(root, 1), "words"), 0),
				"{\"at\":0,\"bytes\":8,\"kind\":\"free\",\"value\":\"0x60\"}");
	json_decref(root);
}

static void a_line_for_each(void **state)
{
	struct rule_text text;
	struct strbuf out = { 0 };

	(void)state;
	rule_text_load_rule(&text, pattern_rule);
	sample_list(text.set, false, &out);
	assert_string_equal(strbuf_text(&out), "RULE        EXPECT  KIND      BYTES  SAMPLE\n"
										   "t.greeting  match   bytes        11  a\\tworld\n"
										   "t.greeting  none    bytes         2  none\n");
	strbuf_deinit(&out);
	rule_text_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_hex),
		cmocka_unit_test(words_are_whole),
		cmocka_unit_test(a_line_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
