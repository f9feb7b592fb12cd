#include "tests/unit/unit.h"

#include "analyze/rules/rule.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <stdio.h>
#include <string.h>

#define EVENT                                                                                     \
	"- id: event\n  title: T\n  keywords: ['42[\"']\n  pattern: '42\\[\"(?<event>[^\"]+)\"\\]'\n" \
	"  aggregate: {by: event, max_keys: 3}\n"

static void hits_say_where_and_in_what(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	uint8_t *live, *freed;

	(void)state;
	rule_text_load_sound(&rules, EVENT "  redact: {event: show}\n");
	sketch_init(&sketch, 4096);
	sketch_text(&sketch, CHUNK_IN_USE, "nothing here");
	live = sketch_text(&sketch, CHUNK_IN_USE, "..42[\"kick\"]..42[\"join\"]");
	freed = sketch_text(&sketch, CHUNK_BINNED, "0123456789abcdef42[\"kick\"]");
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 1);
	assert_int_equal(findings.hits.count, 3);
	assert_int_equal(findings.hits.items[0].start, sketch_address(&sketch, live) + 2);
	assert_int_equal(findings.hits.items[0].bytes, 10);
	assert_int_equal(findings.hits.items[0].chunk, sketch_address(&sketch, live) - 16);
	assert_int_equal(findings.hits.items[0].chunk_bytes, 48);
	assert_true(findings.hits.items[0].live);
	assert_int_equal(findings.hits.items[2].start, sketch_address(&sketch, freed) + 16);
	assert_false(findings.hits.items[2].live);
	assert_int_equal(findings.groups.count, 2);
	assert_string_equal(findings.groups.items[0].key, "kick");
	assert_int_equal(findings.hits.items[2].group, 0);
	assert_string_equal(findings.rules.items[0].id, "t.event");
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

static void the_last_word_belongs_to_the_next_chunk_too(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	uint8_t *payload;

	(void)state;
	rule_text_load_sound(&rules, EVENT);
	sketch_init(&sketch, 4096);
	payload = sketch_chunk(&sketch, 32, CHUNK_IN_USE);
	memcpy(payload + 10, "42[\"kick123\"]", 13); /* 24 bytes can be used of a chunk of 32 */
	sketch_chunk(&sketch, 32, CHUNK_IN_USE);
	payload = sketch_chunk(&sketch, 32, CHUNK_BINNED);
	memcpy(payload + 10, "42[\"k123\"]", 10); /* here the last word is malloc's */
	sketch_chunk(&sketch, 32, CHUNK_IN_USE);
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 1);
	assert_int_equal(findings.hits.count, 1);
	assert_int_equal(findings.hits.items[0].bytes, 6); /* cut to the chunk */
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

static void chunks_are_dropped_by_state_size_and_anchor(void **state)
{
	static const struct {
		const char *scan;
		size_t hits;
	} cases[] = {
		{ "", 6 },
		{ "  scan: {states: [in-use]}\n", 4 },
		{ "  scan: {states: [mmapped]}\n", 1 },
		{ "  scan: {states: [free]}\n", 2 },
		{ "  scan: {states: [top]}\n", 1 },
		{ "  scan: {size: 64..}\n", 1 },
		{ "  scan: {size: ..48}\n", 5 },
		{ "  scan: {anchor: chunk-start}\n", 5 },
		{ "  scan: {max_length: 6}\n", 0 },
		{ "  scan: {when: {arch: aarch64}}\n", 0 },
		{ "  scan: {when: {arch: x86_64, word: 64}}\n", 6 },
		{ "  scan: {when: {word: 32}}\n", 0 },
	};
	struct sketch sketch;

	(void)state;
	sketch_init(&sketch, 4096);
	sketch_text(&sketch, CHUNK_IN_USE, "42[\"a\"]");
	sketch_text(&sketch, CHUNK_IN_USE, "42[\"a\"]................................................");
	sketch_text(&sketch, CHUNK_MMAPPED, "42[\"a\"]");
	sketch_text(&sketch, CHUNK_IN_USE, "....42[\"a\"]");
	sketch_text(&sketch, CHUNK_OVERHEAD, "42[\"a\"]");
	sketch_text(&sketch, CHUNK_UNWALKABLE, "42[\"a\"]");
	sketch_text(&sketch, CHUNK_TCACHE, "42[\"a\"]");
	sketch_text(&sketch, CHUNK_TOP, "42[\"a\"]");
	sketch_seal(&sketch);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strbuf rule = { 0 };
		struct rule_text rules;
		struct findings findings;

		strbuf_printf(&rule, "%s%s", EVENT, cases[i].scan);
		rule_text_load_sound(&rules, strbuf_text(&rule));
		findings = unit_run_whole(&rules, &sketch, NULL, 1);
		if (findings.hits.count != cases[i].hits)
			fail_msg("%s: %zu hits", cases[i].scan, findings.hits.count);
		findings_deinit(&findings);
		rule_text_deinit(&rules);
		strbuf_deinit(&rule);
	}
	sketch_deinit(&sketch);
}

/* PCRE2 does not count ^ among what looks behind. */
static void a_line_starts_where_it_starts(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	uint8_t *payload;

	(void)state;
	rule_text_load_sound(&rules,
						 "- {id: line, title: T, keywords: [abc], pattern: '(?m)^abc'}\n"
						 "- {id: start, title: T, keywords: [abc], pattern: '^abc'}\n"
						 "- {id: behind, title: T, keywords: [abc], pattern: '(?<=^x)abc'}\n");
	sketch_init(&sketch, 4096);
	payload = sketch_text(&sketch, CHUNK_IN_USE, "abc abc\nabc xabc");
	sketch_text(&sketch, CHUNK_IN_USE, "xabc xabc");
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 1);
	assert_int_equal(findings.hits.count, 4);
	assert_int_equal(findings.hits.items[0].start, sketch_address(&sketch, payload));
	assert_int_equal(findings.hits.items[1].start, sketch_address(&sketch, payload));
	assert_int_equal(findings.hits.items[2].start, sketch_address(&sketch, payload) + 8);
	assert_int_equal(findings.hits.items[2].rule, 0);
	assert_int_equal(findings.hits.items[3].rule, 2);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* ---- groups and redaction ---- */

static void hidden_values_get_ordinals(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	rule_text_load_sound(&rules, EVENT);
	sketch_init(&sketch, 4096);
	sketch_text(&sketch, CHUNK_IN_USE, "42[\"alpha\"]42[\"beta\"]42[\"alpha\"]");
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 1);
	assert_int_equal(findings.groups.count, 2);
	assert_string_equal(findings.groups.items[0].key, "hidden #1");
	assert_string_equal(findings.groups.items[1].key, "hidden #2");
	assert_int_equal(findings.hits.items[2].group, 0);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

static void keys_beyond_the_maximum_are_others(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	rule_text_load_sound(&rules, EVENT "  redact: {event: show}\n");
	sketch_init(&sketch, 4096);
	sketch_text(&sketch, CHUNK_IN_USE, "42[\"a\"]42[\"b\"]42[\"c\"]42[\"d\"]42[\"e\"]42[\"a\"]");
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 1);
	assert_int_equal(findings.groups.count, 4);
	assert_string_equal(findings.groups.items[3].key, AGGREGATE_OTHERS);
	assert_int_equal(findings.hits.items[3].group, 3);
	assert_int_equal(findings.hits.items[4].group, 3);
	assert_int_equal(findings.hits.items[5].group, 0);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* Values that no output may hold, and what of them may. */
static const struct {
	const char *value, *shown;
} canaries[] = {
	{ "order:update", "order:update" },
	{ "password=hunter2", "hidden #1" },
	{ "Authorization: Bearer c2VjcmV0", "hidden #2" },
	{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "hidden #3" },
	{ "AKIAIOSFODNN7EXAMPLE", "hidden #4" },
	{ "-----BEGIN PRIVATE KEY-----", "hidden #5" },
	{ "password=hunter2", "hidden #1" },
	{ "card 4111111111111111", "card #" },
	{ "user 550e8400-e29b-41d4-a716-446655440000", "user <uuid>" },
	{ "blob 9f86d081884c7d659a2feaa0c55ad015", "blob <hex>" },
	{ "\x1b[31mred", "\\x1b[31mred" },
	{ "/reset/Zq7mXvK2wPq9LbTfRc4N", "hidden #6" },
};

static bool holds(const void *memory, size_t size, const char *text)
{
	return memmem(memory, size, text, strlen(text)) != NULL;
}

static void canaries_never_leave(void **state)
{
	static const char *const secrets[] = { "hunter2",    "c2VjcmV0", "IOSFODNN",
										   "4111111111", "550e8400", "9f86d081",
										   "PRIVATE",    "eyJh",     "Zq7mXvK2" };
	enum { COUNT = sizeof canaries / sizeof *canaries };
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	rule_text_load_sound(&rules, "- id: event\n  title: T\n  keywords: ['42[\"']\n"
								 "  pattern: '42\\[\"(?<event>[^\"]+)\"\\]'\n"
								 "  aggregate: {by: event}\n  redact: show\n");
	sketch_init(&sketch, 8192);
	for (size_t i = 0; i < COUNT; i++) {
		char text[128];

		snprintf(text, sizeof text, "42[\"%s\"]", canaries[i].value);
		sketch_text(&sketch, CHUNK_IN_USE, text);
	}
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 2);
	assert_int_equal(findings.hits.count, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		assert_string_equal(findings.groups.items[findings.hits.items[i].group].key,
							canaries[i].shown);
	for (size_t i = 0; i < findings.groups.count; i++)
		for (size_t j = 0; j < sizeof secrets / sizeof *secrets; j++)
			assert_false(holds(findings.groups.items[i].key, strlen(findings.groups.items[i].key),
							   secrets[j]));
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* What the key leaves out does not decide: a long class name is no reason to hide its package. */
static void only_what_a_key_keeps_can_hide_it(void **state)
{
	static const char *const transforms[] = { "{dirname: 1}", "[{dirname: 1}, lower]" };
	static const char *const keys[] = { "org", "hidden #1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct strbuf rule = { 0 };
		struct rule_text rules;
		struct sketch sketch;
		struct findings findings;

		strbuf_printf(&rule,
					  "- id: event\n  title: T\n  keywords: ['42[\"']\n"
					  "  pattern: '42\\[\"(?<event>[^\"]+)\"\\]'\n  redact: show\n"
					  "  aggregate: {by: event, transform: %s}\n",
					  transforms[i]);
		rule_text_load_sound(&rules, strbuf_text(&rule));
		sketch_init(&sketch, 4096);
		sketch_text(&sketch, CHUNK_IN_USE, "42[\"org/OAuth2AuthorizationRequestRedirectFilter\"]");
		sketch_seal(&sketch);
		findings = unit_run_whole(&rules, &sketch, NULL, 1);
		assert_int_equal(findings.groups.count, 1);
		assert_string_equal(findings.groups.items[0].key, keys[i]);
		findings_deinit(&findings);
		sketch_deinit(&sketch);
		rule_text_deinit(&rules);
		strbuf_deinit(&rule);
	}
}

/* ---- claims ---- */

static void put(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, 8);
}

static void structures_claim_what_they_own(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	uint8_t *window, *stream;

	(void)state;
	rule_text_load_sound(&rules, "- id: s\n  title: T\n  extent: chunk\n"
								 "  structure:\n"
								 "  - {at: 0, type: u64, in: 0x1234}\n"
								 "  - {at: 8, type: ptr, to: chunk-start, claim: true}\n"
								 "  scan: {anchor: chunk-start, states: [in-use]}\n");
	sketch_init(&sketch, 4096);
	window = sketch_chunk(&sketch, 1024, CHUNK_IN_USE);
	stream = sketch_chunk(&sketch, 64, CHUNK_IN_USE);
	put(stream, 0x1234);
	put(stream + 8, sketch_address(&sketch, window));
	sketch_chunk(&sketch, 64, CHUNK_IN_USE);
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 1);
	assert_int_equal(findings.hits.count, 2); /* by address: the claim comes first */
	assert_true(findings.hits.items[0].claimed);
	assert_int_equal(findings.hits.items[0].start, sketch_address(&sketch, window) - 16);
	assert_int_equal(findings.hits.items[0].bytes, 1024);
	assert_false(findings.hits.items[1].claimed);
	assert_int_equal(findings.hits.items[1].bytes, 64);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

static void an_empty_heap_and_no_rules_are_fine(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	rule_text_load(&rules, span_string("format: 1\nnamespace: t\nrules: []\n"));
	sketch_init(&sketch, 4096);
	sketch_text(&sketch, CHUNK_IN_USE, "42[\"a\"]");
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 2);
	assert_int_equal(findings.hits.count, 0);
	assert_int_equal(findings.rules.count, 0);
	findings_deinit(&findings);
	rule_text_deinit(&rules);
	sketch_deinit(&sketch);
	rule_text_load_sound(&rules, EVENT);
	sketch_init(&sketch, 16);
	findings = unit_run_whole(&rules, &sketch, NULL, 2);
	assert_int_equal(findings.hits.count, 0);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_say_where_and_in_what),
		cmocka_unit_test(the_last_word_belongs_to_the_next_chunk_too),
		cmocka_unit_test(chunks_are_dropped_by_state_size_and_anchor),
		cmocka_unit_test(a_line_starts_where_it_starts),
		cmocka_unit_test(hidden_values_get_ordinals),
		cmocka_unit_test(keys_beyond_the_maximum_are_others),
		cmocka_unit_test(canaries_never_leave),
		cmocka_unit_test(only_what_a_key_keeps_can_hide_it),
		cmocka_unit_test(structures_claim_what_they_own),
		cmocka_unit_test(an_empty_heap_and_no_rules_are_fine),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
