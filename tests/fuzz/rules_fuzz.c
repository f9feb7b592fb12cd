/* rules_fuzz: any bytes as a rule file: it is loaded and compiled, and where few rules are good
 * they are checked and their samples run. What it says of them must be printable. */
#include "tests/fuzz/fuzz.h"

#include "analyze/author/rule_list.h"
#include "analyze/author/rule_check.h"
#include "analyze/author/rule_test.h"
#include "analyze/rules/rule.h"
#include "analyze/rules/rule_set.h"
#include "base/file.h"
#include "tests/support/promise.h"
#include "tests/support/rule_text.h"

#include <fcntl.h>
#include <string.h>

enum { RULES_RUN = 3, INPUT_BYTES = 16 << 10 };

/* A check takes twenty times as long as a load: inputs of every so many-th size get one. */
enum { CHECK_EVERY = 8 };

/* A message is for a terminal: nothing in it but text and line ends. */
static void check_messages(const struct rule_text *text)
{
	for (size_t i = 0; i < text->messages.count; i++)
		for (const char *c = text->messages.items[i].text; *c; c++)
			promise((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t', "messages are text");
}

static void check_set(struct rule_text *text, bool may_check)
{
	struct strbuf out = { 0 };

	for (size_t i = 0; i < text->set->rules.count; i++) {
		const struct rule *rule = &text->set->rules.items[i];

		promise(!rule->confirm != !rule->structure.words.count, "a rule is one of two kinds");
		promise(rule->lead_min <= rule->lead_max && rule->lead_max <= rule->scan.max_length,
				"a keyword stands in what a pattern may see");
	}
	rule_set_list(text->set, &(struct rule_list_options){ .json = true }, &out);
	rule_set_list(text->set, &(struct rule_list_options){ .columns = 80 }, &out);
	rule_set_check_json(text->set, &text->messages, &out);
	if (text->set->rules.count <= RULES_RUN)
		rule_set_test(text->set, &out);
	if (text->set->rules.count <= RULES_RUN && may_check)
		rule_text_check(text);
	check_messages(text);
	strbuf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_text text;

	if (size > INPUT_BYTES)
		return 0;
	rule_text_load(&text, span_make(data, size));
	check_messages(&text);
	if (text.set)
		check_set(&text, size % CHECK_EVERY == 0);
	rule_text_deinit(&text);
	return 0;
}

/* A rule of each kind with every key, and what other files' rules are changed with. */
static const char *const own[] = {
	"format: 1\nnamespace: acme\ndefaults: {author: a, tags: [jvm], redact: hide, priority: 7}\n"
	"rules:\n- id: entry\n  title: T\n  severity: medium\n  confidence: high\n  description: d\n"
	"  references: [\"https://a.example\"]\n  remediation: r\n"
	"  keywords: ['abc', {hex: \"ca fe 01\"}]\n  pattern: |\n    (?xs) (?<![0-9]) x{0,3} "
	"(?:abc|\\xca\\xfe\\x01)\n    (?<json> [\\[{] )\n"
	"  scan: {anchor: any, within: chunk, states: [in-use, free], size: 32..4K, max_length: 64K}\n"
	"  validate: [json_value]\n  extent: validator\n  priority: 700\n"
	"  aggregate: {by: keys, transform: [{dirname: 3}, lower, digits], top: 5, max_keys: 10}\n"
	"  redact: {keys: show}\n  tests:\n"
	"  - {name: a, text: 'xabc{\"b\":1}', expect: {keys: b, bytes: 11}}\n"
	"  - {name: b, hex: \"cafe\", size: 64, expect: none}\n",
	"format: 1\nnamespace: acme\nrules:\n- id: stream\n  title: T\n  structure:\n"
	"  - {at: 0, type: ptr, to: mapped, back: 56, size: 128..144, claim: true}\n"
	"  - {at: 8, type: u32, in: 16180..16211}\n"
	"  - {at: 72, type: ptr, to: chunk-start, size: 272..32848, null: true, claim: true}\n"
	"  - {at: 144, type: ptr, to: self, in: 8..7144}\n"
	"  scan: {anchor: any, size: 7152.., when: {arch: x86_64}}\n  extent: chunk\n  tests:\n"
	"  - {name: a, size: 7168, words: {0: \"chunk:144@56\", 8: 16190, 72: 0, 144: \"@100\"}, "
	"expect: match}\n"
	"  - {name: b, size: 7168, words: {8: 1}, expect: none}\n",
	"format: 1\nnamespace: acme\nrules: []\ndisable: [a.b, c]\n"
	"override: {a.b: {severity: low, priority: 300, tags: [x]}, c: {title: \"\\x03\"}}\n",
};

enum { OWN = sizeof own / sizeof *own };

/* The first rule of a shipped file, as a file of its own. */
static bool add_shipped(const char *path, struct strbuf *out)
{
	struct strbuf text = { 0 };
	struct err err = { 0 };
	const char *item, *end;

	if (file_read(AT_FDCWD, path, 1 << 20, &text, &err) &&
		(item = strstr(strbuf_text(&text), "\n- id:"))) {
		end = strstr(item + 1, "\n- id:");
		strbuf_puts(out, "format: 1\nnamespace: a\nrules:");
		strbuf_add(out, item, end ? (size_t)(end - item) : strlen(item));
		strbuf_putc(out, '\n');
	}
	strbuf_deinit(&text);
	return out->size > 0;
}

bool fuzz_seed(size_t index, struct strbuf *out)
{
	if (index < OWN)
		strbuf_puts(out, own[index]);
	return index < OWN || (index == OWN && add_shipped("rules/archives.yml", out));
}
