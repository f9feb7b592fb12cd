#include "tests/unit/unit.h"

#include "analyze/author/explain_text.h"
#include "analyze/content/chunk_scan.h"
#include "analyze/content/scan.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"

#include <stdlib.h>
#include <string.h>

/* A heap and rules, and one chunk of it explained. */
struct bench {
	struct rule_text rules;
	struct sketch sketch;
	struct runs runs;
	struct structure_tables tables;
};

static void bench_init(struct bench *bench, const char *rule)
{
	rule_text_load_sound(&bench->rules, rule);
	sketch_init(&bench->sketch, 1 << 16);
}

static void bench_seal(struct bench *bench, const struct page_map *map)
{
	sketch_seal(&bench->sketch);
	bench->tables = (struct structure_tables){ &bench->sketch.image, NULL, &bench->sketch.chunks };
	runs_init(&bench->runs, &bench->sketch.image, &bench->sketch.chunks, map, UNIT_BYTES);
}

static void bench_deinit(struct bench *bench)
{
	runs_deinit(&bench->runs);
	sketch_deinit(&bench->sketch);
	rule_text_deinit(&bench->rules);
}

static void explain(const struct bench *bench, uint32_t rule, vaddr address, struct explain *out)
{
	struct explain_input input = { bench->rules.set, rule, bench->tables, &bench->runs };
	struct err err = { 0 };

	*out = (struct explain){ 0 };
	if (!explain_fill(out, &input, address, &err))
		fail_msg("%s", err.what);
}

/* One chunk of that text, one rule: the verdict, and what the text says. */
static void check(const char *rule, enum chunk_state state, const char *text, const char *verdict,
				  const char *wanted)
{
	struct bench bench;
	struct explain out;
	struct strbuf said = { 0 };
	uint8_t *payload;

	bench_init(&bench, rule);
	payload = sketch_text(&bench.sketch, state, text);
	sketch_chunk(&bench.sketch, 32, CHUNK_IN_USE);
	bench_seal(&bench, NULL);
	explain(&bench, 0, sketch_address(&bench.sketch, payload), &out);
	explain_text(&(struct explain_report){ .explain = &out, .tables = &bench.tables, .rows = 20 },
				 &said);
	assert_string_equal(explain_verdict_name(out.verdict), verdict);
	if (!strstr(strbuf_text(&said), wanted))
		fail_msg("wanted: %s\ngot: %s", wanted, strbuf_text(&said));
	strbuf_deinit(&said);
	explain_deinit(&out);
	bench_deinit(&bench);
}

#define EVENT                                                  \
	"- id: a\n  title: T\n  keywords: ['EVENT[']\n  pattern: " \
	"'x?EVENT\\[(?<n>[a-z]+)\\d(?:ok|no)'\n"

static void each_step_is_named(void **state)
{
	(void)state;
	check(EVENT, CHUNK_IN_USE, "..EVENT[join7ok", "hit", "t.a: 1 hit\n");
	check(EVENT "  scan: {when: {arch: aarch64}}\n", CHUNK_IN_USE, "EVENT[join7ok", "target",
		  "no hit: the rule is for aarch64; the process is x86_64, of 64 bits\n");
	check(EVENT "  scan: {states: [free]}\n", CHUNK_IN_USE, "EVENT[join7ok", "state",
		  "no hit: the chunk is in-use; the rule looks at tcache, fastbin, binned, top\n");
	check(EVENT "  scan: {states: [free]}\n", CHUNK_IN_USE, "EVENT[join7ok", "state",
		  "but for that the rule would have 1 hit in it\n");
	check(EVENT "  scan: {size: 64..128}\n", CHUNK_IN_USE, "EVENT[join7ok", "size",
		  "no hit: the chunk has 32 bytes; the rule looks at sizes 64..128\n");
	check(EVENT, CHUNK_IN_USE, "nothing of it", "no-keyword",
		  "none of the rule's keywords stands in the chunk\n");
	check(EVENT, CHUNK_IN_USE, "..event[join7ok", "no-keyword",
		  "'EVENT[': the same but for the case of letters stands at +2\n");
	check(EVENT, CHUNK_IN_USE, "..EVENTS", "no-keyword",
		  "'EVENT[': its first 5 of 6 bytes stand at +2\n");
	check(EVENT, CHUNK_IN_USE, "EVENT[join", "pattern", "at the one place where it could\n");
	check(EVENT "  scan: {anchor: chunk-start}\n", CHUNK_IN_USE, "....EVENT[join7ok", "anchor",
		  "(anchor: chunk-start)\n");
}

/* The furthest place, what stands there, what was wanted and where that is written. */
static void the_pattern_is_traced(void **state)
{
	(void)state;
	check(EVENT, CHUNK_IN_USE, "..EVENT[join7OK", "pattern",
		  "got furthest from +2: 11 bytes pass; at +13 stands a letter\n"
		  "             the pattern wanted o (line 7, column 39)\n"
		  "                             or n (line 7, column 42)\n");
	check(EVENT, CHUNK_IN_USE, "EVENT[", "pattern",
		  "at +6 stands a NUL\n"
		  "             the pattern wanted [a-z]+ (line 7");
}

static void validators_are_named(void **state)
{
	(void)state;
	check("- id: a\n  title: T\n  keywords: ['JSN:']\n  pattern: 'JSN:(?<json>.{2})'\n"
		  "  validate: [json_value]\n",
		  CHUNK_IN_USE, "JSN:[x", "validator", "the validator json_value refused it\n");
	check("- id: a\n  title: T\n  keywords: ['JSN:']\n  pattern: 'JSN:(?<json>.{2})'\n"
		  "  validate: [json_value]\n",
		  CHUNK_IN_USE, "JSN:[x", "validator", "matched 6 bytes from +0; json_value refused\n");
}

static void undecided_is_not_no_match(void **state)
{
	(void)state;
	check(
		"- id: a\n  title: T\n  keywords: ['!!!']\n  pattern: "
		"'!!!(?:[a-z]{1,100}){1,3}[\\x01\\x02]'\n",
		CHUNK_IN_USE,
		"!!!aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"undecided", "undecided: the pattern hit its match limit at 1 place\n");
}

/* Numbers of words are shown, text and what may be a key are not. */
static void structure_words_are_shown_or_not(void **state)
{
	static const char rule[] =
		"- id: a\n  title: T\n  structure:\n  - {at: 0, type: u32, in: 7}\n"
		"  - {at: 8, type: ptr, to: chunk-start, size: 48..64}\n  scan: {anchor: chunk-start}\n";

	(void)state;
	check(rule, CHUNK_IN_USE, "\x05", "structure",
		  "no hit: the word at +0 is 5; the rule wants u32 in 7\n");
	check(rule, CHUNK_IN_USE, "abcd", "structure",
		  "no hit: the word at +0 is text; the rule wants u32 in 7\n");
	check(rule, CHUNK_IN_USE, "\a", "structure",
		  "the word at +8 is 0x0 (null); the rule wants ptr to chunk-start, size 48..64\n");
	check("- id: a\n  title: T\n  structure: [{at: 0, type: ptr}, {at: 8, type: u8, in: 9}]\n",
		  CHUNK_IN_USE, "secretpw", "structure", "the word at +8 is 0; the rule wants u8 in 9\n");
	check("- id: a\n  title: T\n  structure: [{at: 0, type: ptr, to: mapped}]\n"
		  "  scan: {anchor: chunk-start}\n",
		  CHUNK_IN_USE, "secretpw", "structure",
		  "the word at +0 is text; the rule wants ptr to "
		  "mapped\n");
	check("- id: a\n  title: T\n  structure: [{at: 0, type: ptr, to: mapped}]\n"
		  "  scan: {anchor: chunk-start}\n",
		  CHUNK_IN_USE, "\x81\x92\xa3\x94\x85\x96\xb7\xc8", "structure",
		  "the word at +0 is a number of more than 48 bits; the rule wants ptr to mapped\n");
}

static void what_is_not_there_is_said(void **state)
{
	struct page_map map = { .page_size = 4096 };
	struct bench bench;
	struct explain out;

	(void)state;
	bench_init(&bench, EVENT);
	sketch_text(&bench.sketch, CHUNK_IN_USE, "EVENT[join7ok");
	page_map_append(&map, (struct range){ SKETCH_START, SKETCH_START + 4096 }, PAGE_ABSENT);
	bench_seal(&bench, &map);
	explain(&bench, 0, SKETCH_START + 16, &out);
	assert_int_equal(out.verdict, EXPLAIN_NOT_THERE);
	explain_deinit(&out);
	bench_deinit(&bench);
	page_map_deinit(&map);
}

static void an_address_outside_is_an_error(void **state)
{
	struct bench bench;
	struct explain out = { 0 };
	struct err err = { 0 };

	(void)state;
	bench_init(&bench, EVENT);
	sketch_text(&bench.sketch, CHUNK_IN_USE, "x");
	bench_seal(&bench, NULL);
	assert_false(
		explain_fill(&out, &(struct explain_input){ bench.rules.set, 0, bench.tables, &bench.runs },
					 0x1234, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	explain_deinit(&out);
	bench_deinit(&bench);
}

/* ---- the verdict is the scan's, on many random chunks ---- */

/* Rules of every kind of search; the samples of the shipped ones make the content. */
static const char kinds[] =
	"- {id: any, title: T, keywords: ['abc', 'bca'], pattern: '[x-z]{0,3}(?:abc|bca)[a-z]*'}\n"
	"- {id: lead, title: T, keywords: [cab], pattern: '(?s)z.{0,40}cab', extent: chunk}\n"
	"- {id: behind, title: T, keywords: [aab], pattern: '(?<=b)aab+'}\n"
	"- {id: start, title: T, pattern: '[ab]{2}', scan: {anchor: chunk-start}}\n"
	"- {id: anchored, title: T, keywords: [abb], pattern: '.{0,4}abb', scan: {anchor: "
	"chunk-start}}\n"
	"- {id: slow, title: T, slow: true, pattern: 'ba{2,}', scan: {states: [free]}}\n"
	"- {id: sized, title: T, keywords: [bab], pattern: 'bab', scan: {size: 64..96}}\n"
	"- {id: short, title: T, keywords: [caa], pattern: 'caa[a-c]+', scan: {max_length: 5}}\n"
	"- {id: word, title: T, structure: [{at: 0, type: u8, in: 97}, {at: 9, type: u8, in: "
	"98..99}]}\n"
	"- {id: first, title: T, structure: [{at: 0, type: u8, in: 97..98}, {at: 64, type: u8}],\n"
	"   scan: {anchor: chunk-start}, extent: chunk}\n"
	"- {id: owner, title: T, priority: 600, structure: [{at: 0, type: ptr, to: chunk-start, size: "
	"64..512, claim: true}]}\n"
	"- {id: owned, title: T, structure: [{at: 0, type: ptr, to: free, claim: 32}]}\n"
	"- {id: elsewhere, title: T, keywords: [abc], pattern: abc, scan: {when: {arch: i386}}}\n";

static uint32_t any(uint32_t *random, uint32_t below)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random % below;
}

/* Letters of a small alphabet, pieces of samples between them, now and then broken. */
static void fill(uint8_t *payload, size_t size, const struct rule_set *set, uint32_t *random)
{
	static const char letters[] = "aaabbbccxz.";

	for (size_t i = 0; i < size; i++)
		payload[i] = (uint8_t)letters[any(random, sizeof letters - 1)];
	for (unsigned pieces = any(random, 6); set && pieces; pieces--) {
		const struct rule *rule = &set->rules.items[any(random, (uint32_t)set->rules.count)];
		struct span bytes = { 0 };
		size_t at = any(random, (uint32_t)size);

		if (rule->tests.count)
			bytes = rule->tests.items[any(random, (uint32_t)rule->tests.count)].bytes;
		bytes = span_part(bytes, 0, size - at);
		if (bytes.size)
			memcpy(payload + at, bytes.data, bytes.size);
		if (bytes.size && any(random, 3) == 0)
			payload[at + any(random, (uint32_t)bytes.size)] ^= 1;
	}
}

static size_t compare_chunk(const struct bench *bench, const struct findings *findings,
							uint32_t rule, struct chunk chunk)
{
	const char *id = bench->rules.set->rules.items[rule].id;
	bool whole = bench->rules.set->rules.items[rule].extent == RULE_EXTENT_CHUNK;
	struct explain out;
	size_t mine = 0, hits = 0;

	explain(bench, rule, chunk.address + (chunk.bytes > 32 ? 24 : 0), &out);
	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];

		if (hit->chunk != chunk.address || hit->claimed ||
			strcmp(findings->rules.items[hit->rule].id, id) != 0)
			continue;
		hits++;
		while (mine < out.hits.count && out.hits.items[mine].overlapped)
			mine++;
		if (mine == out.hits.count ||
			(!whole && chunk.address + 16 + out.hits.items[mine].at != hit->start) ||
			(!whole && out.hits.items[mine].bytes != hit->bytes))
			fail_msg("%s, chunk +%lu: the scan has a hit at +%lu", id, chunk.address - SKETCH_START,
					 hit->start - chunk.address - 16);
		mine++;
	}
	for (; mine < out.hits.count; mine++)
		if (!out.hits.items[mine].overlapped)
			fail_msg("%s, chunk +%lu: explain alone has a hit at +%lu", id,
					 chunk.address - SKETCH_START, out.hits.items[mine].at);
	assert_int_equal(hits > 0, out.verdict == EXPLAIN_HIT);
	explain_deinit(&out);
	return hits;
}

static bool next_hit(const struct findings *findings, vaddr chunk, size_t *at)
{
	while (*at < findings->hits.count && findings->hits.items[*at].chunk != chunk)
		++*at;
	return *at < findings->hits.count;
}

/* What shares a chunk, claims from elsewhere included, is what the whole scan finds there. */
static size_t compare_shared(const struct bench *bench, const struct findings *findings,
							 const struct page_map *map, struct chunk chunk)
{
	struct findings own;
	struct err err = { 0 };
	size_t theirs = 0, mine = 0, claims = 0;

	assert_true(chunk_scan(&own, bench->rules.set, &bench->tables, map, &chunk, 1, NULL, &err));
	for (; next_hit(findings, chunk.address, &theirs); theirs++, mine++) {
		const struct hit *a = &findings->hits.items[theirs], *b = &own.hits.items[mine];

		if (mine == own.hits.count || a->start != b->start || a->bytes != b->bytes ||
			a->claimed != b->claimed || a->rule != b->rule)
			fail_msg("chunk +%lu: the scan has %s at +%lu", chunk.address - SKETCH_START,
					 findings->rules.items[a->rule].id, a->start - chunk.address);
		claims += a->claimed;
	}
	assert_int_equal(mine, own.hits.count);
	findings_deinit(&own);
	return claims;
}

/* A heap of random chunks, some of its pages not resident. */
static size_t compare_heap(struct bench *bench, const struct rule_set *content, uint32_t seed,
						   size_t *claims)
{
	uint8_t *last = NULL;
	uint32_t random = 2654435769u * (seed + 1);
	struct page_map map = { .page_size = 4096 };
	struct findings findings;
	struct err err = { 0 };
	size_t hits = 0;

	for (int i = 0; i < 100; i++) {
		size_t bytes = 32 + 16 * (size_t)any(&random, any(&random, 8) ? 12 : 300);
		uint8_t *payload =
			sketch_chunk(&bench->sketch, bytes, (enum chunk_state)any(&random, CHUNK_STATES));

		fill(payload, bytes - 8, content, &random); /* the next header's first word too */
		if (last && !any(&random, 4)) {
			vaddr pointer = sketch_address(&bench->sketch, last);

			memcpy(payload, &pointer, sizeof pointer);
		}
		last = any(&random, 3) ? payload : last;
	}
	for (vaddr at = SKETCH_START; at < SKETCH_START + bench->sketch.size; at += 4096)
		page_map_append(&map, (struct range){ at, at + 4096 },
						any(&random, 5) ? PAGE_PRESENT : PAGE_ABSENT);
	bench_seal(bench, &map);
	assert_true(content_scan(&findings, bench->rules.set, &bench->sketch.image, NULL,
							 &bench->sketch.chunks, &map, 1, NULL, &err));
	for (size_t i = 0; i < bench->sketch.chunks.blocks.items[0].count; i++) {
		*claims += compare_shared(bench, &findings, &map,
								  chunk_block_get(&bench->sketch.chunks.blocks.items[0], i));
		for (uint32_t rule = 0; rule < bench->rules.set->rules.count; rule++)
			hits += compare_chunk(bench, &findings, rule,
								  chunk_block_get(&bench->sketch.chunks.blocks.items[0], i));
	}
	findings_deinit(&findings);
	page_map_deinit(&map);
	return hits;
}

static void the_verdict_is_the_scans(void **state)
{
	const uint32_t rounds = getenv("DUMPCORE_LONG") ? 20 : 5;
	size_t hits = 0, claims = 0;

	(void)state;
	for (uint32_t seed = 0; seed < rounds; seed++) {
		struct bench bench = { 0 };

		bench_init(&bench, kinds);
		sketch_deinit(&bench.sketch);
		sketch_init(&bench.sketch, 1 << 19);
		hits += compare_heap(&bench, NULL, seed, &claims);
		bench_deinit(&bench);
	}
	assert_true(hits > 1000 && claims > 20);
}

static void the_verdict_is_the_scans_for_shipped_rules(void **state)
{
	const uint32_t rounds = getenv("DUMPCORE_LONG") ? 20 : 5;
	const char *paths[] = { "rules" };
	size_t hits = 0, claims = 0;

	(void)state;
	for (uint32_t seed = 0; seed < rounds; seed++) {
		struct bench bench = { 0 };

		bench.rules.set = rule_set_create(paths, 1, &bench.rules.messages, &bench.rules.err);
		assert_non_null(bench.rules.set);
		sketch_init(&bench.sketch, 1 << 19);
		hits += compare_heap(&bench, bench.rules.set, seed, &claims);
		bench_deinit(&bench);
	}
	assert_true(hits > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_is_named),
		cmocka_unit_test(the_pattern_is_traced),
		cmocka_unit_test(validators_are_named),
		cmocka_unit_test(undecided_is_not_no_match),
		cmocka_unit_test(structure_words_are_shown_or_not),
		cmocka_unit_test(what_is_not_there_is_said),
		cmocka_unit_test(an_address_outside_is_an_error),
		cmocka_unit_test(the_verdict_is_the_scans),
		cmocka_unit_test(the_verdict_is_the_scans_for_shipped_rules),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
