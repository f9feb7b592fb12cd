#include "tests/unit/unit.h"

#include "analyze/author/rule_test.h"
#include "analyze/attribute/suggest.h"
#include "analyze/rules/rule.h"
#include "analyze/content/scan.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

/* A heap, what is suggested for it, and what the suggested rules find in it. */
struct scene {
	struct sketch sketch;
	struct regions regions;
	struct redactor *redactor;
	struct strbuf file;
	struct rule_text rules;
	struct findings findings;
	size_t count;
};

static int setup(void **state)
{
	static struct scene scene;
	struct err err = { 0 };

	scene = (struct scene){ .redactor = redactor_create(&err) };
	sketch_init(&scene.sketch, 1 << 20);
	*state = &scene;
	return scene.redactor ? 0 : -1;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	findings_deinit(&scene->findings);
	rule_text_deinit(&scene->rules);
	strbuf_deinit(&scene->file);
	redactor_destroy(scene->redactor);
	sketch_deinit(&scene->sketch);
	return 0;
}

/* Writes the file, loads it, checks and tests it, and runs it over the same heap. */
static void suggest(struct scene *scene, bool reveal)
{
	struct findings none = { .disabled_note = "" };
	struct strbuf said = { 0 };
	struct err err = { 0 };

	sketch_chunk(&scene->sketch, 32, CHUNK_TOP);
	sketch_seal(&scene->sketch);
	scene->count = suggest_write(
		&(struct suggest_input){
			.path = "some.core",
			.where = { &scene->sketch.chunks, &none, &scene->sketch.image },
			.regions = &scene->regions,
			.redactor = scene->redactor,
			.limit = 20,
			.reveal = reveal,
		},
		&scene->file);
	rule_text_load(&scene->rules, strbuf_span(&scene->file));
	assert_non_null(scene->rules.set);
	rule_text_check(&scene->rules);
	if (scene->rules.messages.count)
		fail_msg("%s\n%s", strbuf_text(&scene->rules.all), strbuf_text(&scene->file));
	if (!rule_set_test(scene->rules.set, &said))
		fail_msg("%s", strbuf_text(&said));
	strbuf_deinit(&said);
	assert_int_equal(rule_set_count(scene->rules.set), scene->count);
	assert_true(content_scan(&scene->findings, scene->rules.set, &scene->sketch.image, NULL,
							 &scene->sketch.chunks, NULL, 1, NULL, &err));
}

static bool says(const struct scene *scene, const char *text)
{
	return strstr(strbuf_text(&scene->file), text);
}

static void must_say(const struct scene *scene, const char *text)
{
	if (!says(scene, text))
		fail_msg("'%s' is not in\n%s", text, strbuf_text(&scene->file));
}

static void must_not_say(const struct scene *scene, const char *text)
{
	if (says(scene, text))
		fail_msg("'%s' is in\n%s", text, strbuf_text(&scene->file));
}

/* "BEGIN", a letter, "MIDDLE", a number. */
static void add_messages(struct scene *scene, const char *begin, const char *middle, int count)
{
	for (int i = 0; i < count; i++) {
		char text[128];

		snprintf(text, sizeof text, "%s%c%s%d", begin, 'a' + i % 26, middle, i * 7919);
		sketch_text(&scene->sketch, CHUNK_IN_USE, text);
	}
}

static void a_common_beginning_is_shown(void **state)
{
	struct scene *scene = *state;

	add_messages(scene, "ORDER|v2|\"", "\" number ", 50);
	suggest(scene, false);
	assert_int_equal(scene->count, 1);
	must_say(scene, "keywords: [\"ORDER|v2|\\\"\"]");
	must_say(scene, "ORDER\\|v2\\|\"[a-z][\\x20-\\x7e]");
	must_say(scene, "# 50 chunks, ");
	assert_int_equal(scene->findings.hits.count, 50);
}

/* A number that all share so far, a date, a value that is the same in all. */
static void what_may_be_content_is_not(void **state)
{
	struct scene *scene = *state;

	add_messages(scene, "Authorization: Bearer ", "Xq", 50);
	add_messages(scene, "20260102 ", " ", 50);
	for (int i = 0; i < 50; i++)
		sketch_text(&scene->sketch, CHUNK_IN_USE, "hunter2horse");
	suggest(scene, false);
	assert_int_equal(scene->count, 3);
	must_not_say(scene, "Author");
	must_not_say(scene, "Bearer");
	must_not_say(scene, "2026");
	must_not_say(scene, "hunt");
	must_not_say(scene, "keywords");
	must_say(scene, "--reveal");
	assert_int_equal(scene->findings.hits.count, 150);
}

/* No beginning in common: the rule goes by kinds of bytes. */
static void different_texts_are_told_by_their_kinds(void **state)
{
	struct scene *scene = *state;
	uint32_t random = 1;

	for (int i = 0; i < 200; i++) {
		char text[] = "AAAAAAAA-0000000000";

		for (size_t j = 0; j < 8; j++) {
			random = random * 1103515245 + 12345;
			text[j] = (char)('A' + (random >> 16) % 26);
			text[j + 9] = (char)('0' + (random >> 20) % 10);
		}
		sketch_text(&scene->sketch, CHUNK_IN_USE, text);
	}
	suggest(scene, false);
	must_say(scene, "[A-Z]{8}[\\x20-\\x7e][0-9]{7}\n");
	must_not_say(scene, "keywords");
	assert_int_equal(scene->findings.hits.count, 200);
}

static void it_is_revealed_on_demand(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 50; i++)
		sketch_text(&scene->sketch, CHUNK_IN_USE, "hunter2horse");
	suggest(scene, true);
	must_say(scene, "keywords: [\"hunter2horse\"]");
	assert_int_equal(scene->findings.hits.count, 50);
}

static void put(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof value);
}

/* A list of records: a link, text of its own, itself, a number, a constant, a key. */
static void structures_are_made_of_words(void **state)
{
	struct scene *scene = *state;
	vaddr before = 0;

	for (uint64_t i = 0; i < 40; i++) {
		uint8_t *name = sketch_chunk(&scene->sketch, 32 + 16 * (i % 3), CHUNK_IN_USE);
		uint8_t *record = sketch_chunk(&scene->sketch, 96, CHUNK_IN_USE);
		vaddr address = sketch_address(&scene->sketch, record);

		memset(name, 0x80 + (int)i, 16);
		put(record, before);
		put(record + 8, sketch_address(&scene->sketch, name));
		put(record + 16, address + 16 + i % 2 * 8);
		put(record + 24, 100 + i);
		put(record + 32, UINT64_C(0x00000003dec0dec0));
		put(record + 40, UINT64_C(0x9182a3b4c5d6e7f8)); /* the same key in all */
		memcpy(record + 48, "password", 8);
		put(record + 56, UINT64_C(0x0000000174736574)); /* "test" and a number */
		before = address;
	}
	suggest(scene, false);
	must_say(scene, "  - {at: 0, type: ptr, to: chunk-start, size: 96");
	must_say(scene, "  - {at: 8, type: ptr, to: chunk-start, size: 32..64}\n");
	must_say(scene, "  - {at: 16, type: ptr, to: self, in: 16..24}\n");
	must_say(scene, "  - {at: 24, type: u64, in: 1");
	must_say(scene, "  - {at: 32, type: u32, in: 0xdec0dec0}\n  - {at: 36, type: u32, in: 3}\n");
	must_not_say(scene, "at: 40");
	must_not_say(scene, "at: 48");
	must_not_say(scene, "at: 56");
	must_say(scene, "words with text 2, other constants 1.\n# Those");
	/* the first record has no link: another shape, and too few of it */
	assert_true(scene->findings.hits.count >= 39);
}

/* Words of four bytes: the sample stands in an i386 process. */
static void words_of_four_bytes(void **state)
{
	struct scene *scene = *state;

	scene->sketch.image.word = 4;
	scene->sketch.image.machine = EM_386;
	scene->sketch.chunks.header_bytes = 8;
	for (uint32_t i = 0; i < 40; i++) {
		uint8_t *record = sketch_chunk(&scene->sketch, 48, CHUNK_IN_USE) - 8;
		uint32_t words[4] = { 0xdec0dec0, 7 + i % 3, 0x64636261, 0 };

		memcpy(record, words, sizeof words);
	}
	suggest(scene, false);
	must_say(scene, "  - {at: 0, type: u32, in: 0xdec0dec0}\n  - {at: 4, type: u32, in: 7..9}\n");
	must_say(scene, "when: {word: 32}");
	must_not_say(scene, "at: 8,");
	assert_int_equal(scene->findings.hits.count, 40);
}

/* "wide" in UTF-32, as wchar_t is, and in UTF-16. */
static void wide_text_is_no_number(void **state)
{
	struct scene *scene = *state;

	for (uint64_t i = 0; i < 40; i++) {
		uint8_t *record = sketch_chunk(&scene->sketch, 96, CHUNK_IN_USE);

		put(record, 100 + i);
		put(record + 8, UINT64_C(0x0000006900000077));
		put(record + 16, UINT64_C(0x0000006500000064));
		put(record + 24, UINT64_C(0x0000000000690077));
	}
	suggest(scene, false);
	must_say(scene, "  - {at: 0, type: u64, in: 1");
	must_say(scene, "words with text 3, other constants 0.\n");
	must_not_say(scene, "at: 8");
	must_not_say(scene, "at: 16");
	must_not_say(scene, "at: 24");
}

static void nothing_in_common_is_said(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 10; i++)
		sketch_chunk(&scene->sketch, 128, CHUNK_IN_USE);
	suggest(scene, false);
	assert_int_equal(scene->count, 0);
	must_say(scene, "rules: []\n");
	must_say(scene, "nothing in common");
}

static void few_chunks_are_no_group(void **state)
{
	struct scene *scene = *state;

	add_messages(scene, "ORDER|v2|", " ", 3);
	suggest(scene, false);
	assert_int_equal(scene->count, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_common_beginning_is_shown),
		TEST(what_may_be_content_is_not),
		TEST(different_texts_are_told_by_their_kinds),
		TEST(it_is_revealed_on_demand),
		TEST(structures_are_made_of_words),
		TEST(words_of_four_bytes),
		TEST(wide_text_is_no_number),
		TEST(nothing_in_common_is_said),
		TEST(few_chunks_are_no_group),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
