/* What validators read and inflate is counted: bombs end a rule in their own part of the heap, at
 * the same place for any number of threads. */
#include "tests/unit/unit.h"

#include "analyze/content/runs.h"
#include "analyze/content/scan.h"
#include "analyze/content/unit_scan.h"
#include "analyze/rules/rule.h"
#include "analyze/validators/deflate_trial.h"
#include "tests/support/packed.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <stdlib.h>
#include <string.h>

#define GZIP                                                                             \
	"- {id: gzip, title: T, keywords: [{hex: '1f 8b 08'}], pattern: '\\x1f\\x8b\\x08', " \
	"validate: [gzip], extent: validator}\n"
#define ENTRY                                                                         \
	"- {id: entry, title: T, keywords: [\"PK\\x03\\x04\"], pattern: 'PK\\x03\\x04', " \
	"validate: [zip_local_header], extent: validator}\n"

enum { BODY = 20 << 10 };

static struct strbuf packed_zeros(size_t size)
{
	struct strbuf zeros = { 0 }, packed = { 0 };

	strbuf_pad(&zeros, '\0', size);
	packed_add(&packed, MATCH_GZIP, strbuf_span(&zeros));
	strbuf_deinit(&zeros);
	return packed;
}

/* A body as services send them: of 20 KiB, a tenth of that when packed. */
static struct strbuf packed_body(unsigned number)
{
	struct strbuf text = { 0 }, packed = { 0 };

	while (text.size < BODY) {
		number = number * 1664525 + 1013904223;
		strbuf_printf(&text, "{\"id\":%u,\"state\":\"open\",\"items\":[],\"owner\":null},\n",
					  number >> 20);
	}
	packed_add(&packed, MATCH_GZIP, strbuf_span(&text));
	strbuf_deinit(&text);
	return packed;
}

/* Fills a unit with copies of the stream, each in a chunk; gives their number. */
static size_t fill_unit(struct sketch *sketch, struct strbuf stream)
{
	size_t end = (sketch->used / UNIT_BYTES + 1) * UNIT_BYTES, count = 0;

	for (; end - sketch->used > stream.size + 64; count++)
		sketch_bytes(sketch, CHUNK_IN_USE, stream.data, stream.size);
	sketch_chunk(sketch, end - sketch->used, CHUNK_IN_USE);
	strbuf_deinit(&stream);
	return count;
}

static uint64_t work_of(const struct strbuf *stream)
{
	struct deflate_trial trial =
		deflate_try(span_make(stream->data, stream->size), MATCH_GZIP, DEFLATE_TRIAL_MOST);

	assert_true(trial.ended);
	return trial.read + trial.written;
}

static void check_same(const struct findings *a, const struct findings *b)
{
	struct rule_tally one = a->rules.items[0].tally, other = b->rules.items[0].tally;

	assert_int_equal(a->hits.count, b->hits.count);
	for (size_t i = 0; i < a->hits.count; i++)
		assert_int_equal(a->hits.items[i].start, b->hits.items[i].start);
	one.cpu_ns = other.cpu_ns = 0;
	assert_memory_equal(&one, &other, sizeof one);
	assert_int_equal(a->look_spent, b->look_spent);
}

static void bombs_end_a_rule_in_their_unit(void **state)
{
	struct strbuf bomb = packed_zeros(1 << 20);
	const uint64_t work = work_of(&bomb), most = UNIT_WORK + UNIT_BYTES * UNIT_WORK_A_BYTE;
	size_t proven = most / work + 1, bombs, bodies;
	struct rule_text rules;
	struct sketch sketch;
	struct findings one;
	const struct finding_rule *rule;

	(void)state;
	rule_text_load_rule(&rules, GZIP);
	sketch_init(&sketch, 4 * UNIT_BYTES);
	bombs = fill_unit(&sketch, bomb);
	bodies = fill_unit(&sketch, packed_body(1));
	bombs += fill_unit(&sketch, packed_zeros(1 << 20));
	sketch_seal(&sketch);
	one = unit_run_whole(&rules, &sketch, NULL, 1);
	rule = &one.rules.items[0];
	assert_int_equal(rule->hits, bodies + 2 * proven);
	assert_int_equal(rule->tally.undecided, bombs - 2 * proven);
	assert_int_equal(rule->tally.given_up, GIVEN_UP_WORK);
	for (unsigned workers = 2; workers <= 8; workers *= 2) {
		struct findings many = unit_run_whole(&rules, &sketch, NULL, workers);

		check_same(&one, &many);
		findings_deinit(&many);
	}
	findings_deinit(&one);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* A heap of nothing but compressed bodies is what a cache of answers has. */
static void bodies_are_all_proven(void **state)
{
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	size_t bodies = 0;

	(void)state;
	rule_text_load_rule(&rules, GZIP);
	sketch_init(&sketch, 4 * UNIT_BYTES);
	for (unsigned i = 0; i < 3; i++)
		bodies += fill_unit(&sketch, packed_body(i));
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 2);
	assert_true(bodies > 1500);
	assert_int_equal(findings.rules.items[0].hits, bodies);
	assert_int_equal(findings.rules.items[0].tally.undecided, 0);
	assert_int_equal(findings.rules.items[0].tally.given_up, 0);
	assert_in_range(findings.rules.items[0].tally.work, bodies * BODY, 2 * bodies * BODY);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

/* What is read and made to prove the streams in a stream is of its cost too. */
static void proving_streams_in_a_stream_is_of_the_budget(void **state)
{
	struct strbuf text = { 0 }, entry = { 0 };
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;
	const struct finding_rule *gzip;
	const struct finding_packed *packed;

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		struct strbuf body = packed_body(i);

		strbuf_add(&text, body.data, body.size);
		strbuf_deinit(&body);
	}
	packed_add_zip(&entry, "bodies", strbuf_span(&text));
	rule_text_load_rule(&rules, GZIP ENTRY);
	sketch_init(&sketch, UNIT_BYTES);
	sketch_bytes(&sketch, CHUNK_IN_USE, entry.data, entry.size);
	sketch_seal(&sketch);
	findings = unit_run_whole(&rules, &sketch, NULL, 2);
	gzip = &findings.rules.items[0];
	packed = &findings.rules.items[1].packed;
	assert_int_equal(packed->nested, 30);
	assert_int_equal(gzip->inside_hits, 30);
	assert_int_equal(gzip->tally.matched, 30);
	assert_true(gzip->tally.work > 30 * (uint64_t)BODY);
	assert_int_equal(findings.look_spent,
					 packed->packed_bytes + packed->inflated_bytes + gzip->tally.work);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
	strbuf_deinit(&entry);
	strbuf_deinit(&text);
}

/* Each start reads to the end of the chunk, and none is one, or its end is not where it says. */
static void starts_that_never_end_are_counted(void **state)
{
	enum { UNITS = 3, BYTES = UNITS * UNIT_BYTES };
	static const struct {
		const char *validator, *start;
	} cases[] = {
		/* a boundary of its own stands before what begins with a line end */
		{ "stomp_frame", "SEND\ndestination:/q\n\n" },
		{ "sse_event", "data: {\"a\":1}\n" },
		{ "multipart_part", "\r\nContent-Disposition: x\r\n\r\n" },
		{ "http_message", "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" },
		{ "html_document", "<html>\x01\n" },
		{ "pdf", "%PDF-1.4\n1 0 obj\n" },
		{ "xml_document", "<?xml version='1.0'?><a><!--\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const uint64_t most = UNIT_WORK + UNIT_BYTES * UNIT_WORK_A_BYTE;
		struct strbuf rule = { 0 }, text = { 0 };
		struct rule_text rules;
		struct sketch sketch;
		struct findings one, many;
		const struct rule_tally *tally;

		strbuf_printf(&rule,
					  "- {id: a, title: T, slow: true, pattern: '(?<![^\\n\\x00])[-%%<\\[A-Zd]', "
					  "validate: [%s], extent: validator}\n",
					  cases[i].validator);
		for (size_t j = 0; text.size < BYTES - 100; j++) {
			if (*cases[i].start == '\r')
				strbuf_printf(&text, "--%zu", j + 10000);
			strbuf_puts(&text, cases[i].start);
		}
		for (size_t j = 1 << 20; j < text.size; j += 1 << 20)
			text.data[j] = 1; /* bodies of text are none */
		rule_text_load_rule(&rules, strbuf_text(&rule));
		sketch_init(&sketch, BYTES + UNIT_BYTES);
		sketch_bytes(&sketch, CHUNK_IN_USE, text.data, text.size);
		sketch_seal(&sketch);
		one = unit_run_whole(&rules, &sketch, NULL, 1);
		many = unit_run_whole(&rules, &sketch, NULL, 8);
		tally = &one.rules.items[0].tally;
		if (tally->given_up != GIVEN_UP_WORK || tally->work > UNITS * (most + BYTES))
			fail_msg("%s: given up by %u after %zu MiB", cases[i].validator, tally->given_up,
					 (size_t)(tally->work >> 20));
		check_same(&one, &many);
		findings_deinit(&one);
		findings_deinit(&many);
		sketch_deinit(&sketch);
		rule_text_deinit(&rules);
		strbuf_deinit(&rule);
		strbuf_deinit(&text);
	}
}

static void a_rule_says_which_limit_ended_it(void **state)
{
	struct unit_run_limits limits = { .hits = 9, .budget_ns = 1, .spent_ns = 2 };
	struct rule_text rules;
	struct sketch sketch;
	struct findings findings;

	(void)state;
	rule_text_load_rule(&rules, GZIP);
	sketch_init(&sketch, UNIT_BYTES);
	fill_unit(&sketch, packed_body(1));
	sketch_seal(&sketch);
	findings = unit_run(&rules, &sketch, NULL, UNIT_BYTES, limits);
	assert_int_equal(findings.rules.items[0].tally.given_up, GIVEN_UP_CLOCK);
	findings_deinit(&findings);
	sketch_deinit(&sketch);
	rule_text_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bombs_end_a_rule_in_their_unit),
		cmocka_unit_test(bodies_are_all_proven),
		cmocka_unit_test(proving_streams_in_a_stream_is_of_the_budget),
		cmocka_unit_test(starts_that_never_end_are_counted),
		cmocka_unit_test(a_rule_says_which_limit_ended_it),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
