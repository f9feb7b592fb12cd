/* The scan against plain PCRE2, with rules and heaps by chance.
 *
 *     differential_test                  a hundred pairs of a rule and a heap
 *     DUMPCORE_LONG=1 differential_test  a thousand
 *     DUMPCORE_SEED=N differential_test  the heap of that seed alone, its rules printed
 *
 * The oracle here knows nothing of keywords, units, first bytes and threads: it searches each chunk
 * with pcre2_match, without JIT and not anchored, as one would by hand. */
#include "tests/unit/unit.h"

#include "analyze/rules/rule.h"
#include "analyze/content/scan.h"
#include "tests/support/random_rule.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	RULES = 4, /* of a heap */
	PAIRS = 100,
	PAIRS_LONG = 1000,
	HEAP_BYTES = 160 << 10,
	PAGE = 4096,
};

/* A heap and its rules. */
struct pair {
	uint64_t random;
	struct random_rule made[RULES];
	struct rule_text rules;
	struct sketch sketch;
	struct page_map map;
	bool has_map;
};

/* ---- making ---- */

/* Rules that a check refuses (a branch without its keyword, a keyword that is none) are drawn
 * again. */
static void make_rule(struct pair *pair, size_t index)
{
	char id[8];

	snprintf(id, sizeof id, "r%zu", index);
	for (;;) {
		struct rule_text alone;
		bool good;

		random_rule_make(&pair->made[index], id, &pair->random);
		rule_text_load_rule(&alone, strbuf_text(&pair->made[index].yaml));
		good = alone.set && rule_set_count(alone.set) == 1;
		rule_text_deinit(&alone);
		if (good)
			return;
		random_rule_deinit(&pair->made[index]);
	}
}

static void make_rules(struct pair *pair)
{
	struct strbuf text = { 0 };

	for (size_t i = 0; i < RULES; i++) {
		make_rule(pair, i);
		strbuf_puts(&text, strbuf_text(&pair->made[i].yaml));
	}
	rule_text_load_rule(&pair->rules, strbuf_text(&text));
	assert_int_equal(rule_set_count(pair->rules.set), RULES);
	strbuf_deinit(&text);
}

/* Mostly small, some of several units. */
static size_t draw_size(uint64_t *random)
{
	static const size_t most[] = { 16, 16, 300, 300, 300, 1000, 6000, 30000 };

	return (32 + random_below(random, most[random_below(random, 8)])) / 16 * 16;
}

/* Texts that the rules match, some of them broken off by the chunk's end. */
static void plant(struct pair *pair, uint8_t *payload, size_t size)
{
	size_t count = random_below(&pair->random, 3 + size / 500);

	for (size_t i = 0; i < count; i++) {
		const struct random_rule *rule = &pair->made[random_below(&pair->random, RULES)];
		const struct strbuf *text = &rule->texts[random_below(&pair->random, RANDOM_RULE_TEXTS)];
		size_t at = random_below(&pair->random, 4) ? random_below(&pair->random, size) : 0;

		if (text->size)
			memcpy(payload + at, text->data, text->size < size - at ? text->size : size - at);
	}
}

static void make_heap(struct pair *pair)
{
	struct sketch *sketch = &pair->sketch;
	uint64_t *random = &pair->random;

	sketch_init(sketch, HEAP_BYTES);
	while (HEAP_BYTES - sketch->used > 40000) {
		size_t bytes = draw_size(random);
		uint8_t *payload = sketch_chunk(sketch, bytes, random_below(random, CHUNK_STATES));
		bool zero = random_below(random, 6) == 0;

		for (size_t i = 0; !zero && i < bytes - 16; i++)
			payload[i] = random_byte(random);
		plant(pair, payload, bytes - 16);
	}
	sketch_seal(sketch);
}

/* Some pages are not there. */
static void make_map(struct pair *pair)
{
	pair->has_map = random_below(&pair->random, 4) == 0;
	pair->map.page_size = PAGE;
	for (vaddr at = SKETCH_START; at < SKETCH_START + HEAP_BYTES; at += PAGE)
		page_map_append(&pair->map, (struct range){ at, at + PAGE },
						random_below(&pair->random, 5) ? PAGE_PRESENT : PAGE_ABSENT);
}

static void pair_init(struct pair *pair, uint64_t seed)
{
	*pair = (struct pair){ .random = seed };
	make_rules(pair);
	make_heap(pair);
	make_map(pair);
}

static void pair_deinit(struct pair *pair)
{
	for (size_t i = 0; i < RULES; i++)
		random_rule_deinit(&pair->made[i]);
	rule_text_deinit(&pair->rules);
	sketch_deinit(&pair->sketch);
	page_map_deinit(&pair->map);
}

/* ---- the oracle ---- */

struct plain_hit {
	vaddr at;
	uint64_t bytes;
};

typedef VEC(struct plain_hit) plain_hits;

struct oracle {
	const struct pair *pair;
	const struct rule *rule;
	pcre2_code *code;
	pcre2_match_data *data;
	PCRE2_SIZE *found;
	plain_hits *hits;
};

/* The next match in [*at, end): *at and the found offsets tell where. A rule that may see less than
 * the rest is tried place by place. */
static bool find(struct oracle *oracle, struct span text, size_t *at, size_t end)
{
	uint64_t most = oracle->rule->scan.max_length;
	int result = PCRE2_ERROR_NOMATCH;

	if (text.size - *at <= most) {
		result = pcre2_match(oracle->code, text.data, text.size, *at, 0, oracle->data, NULL);
		*at = result < 0 ? end : oracle->found[0];
		return *at < end;
	}
	for (; *at < end; ++*at) {
		size_t seen = text.size - *at < most ? text.size : *at + most;

		result =
			pcre2_match(oracle->code, text.data, seen, *at, PCRE2_ANCHORED, oracle->data, NULL);
		if (result >= 0)
			return true;
	}
	return false;
}

/* Bytes of the hit, 0 where a validator refuses it. */
static size_t judge(const struct oracle *oracle, struct span text)
{
	const struct rule *rule = oracle->rule;
	size_t start = oracle->found[0], bytes = oracle->found[1] - start;
	struct match match = { .bytes = bytes, .extent = bytes };
	int json = pcre2_substring_number_from_name(oracle->code, (PCRE2_SPTR) "json");

	if (json > 0) {
		const PCRE2_SIZE *group = oracle->found + 2 * json;

		match.captures = 1;
		match.capture[0].name = "json";
		match.capture[0].text = span_part(text, group[0], group[1] - group[0]);
	}
	for (size_t i = 0; i < rule->validator_count; i++)
		if (!rule->validators[i]->run(span_part(text, start, text.size - start), &match))
			return 0;
	return rule->extent == RULE_EXTENT_VALIDATOR ? match.extent : bytes;
}

/* The chunk's bytes in [from, to), which are all there. True where a hit takes the whole chunk. */
static bool search(struct oracle *oracle, struct chunk chunk, vaddr from, vaddr to)
{
	const struct rule *rule = oracle->rule;
	struct span text =
		span_make(oracle->pair->sketch.memory + (from - SKETCH_START), (size_t)(to - from));
	vaddr chunk_end = chunk.address + chunk.bytes, payload = chunk.address + 16;
	size_t end = (to < chunk_end ? to : chunk_end) - from, bytes;

	if (rule->scan.anchor == RULE_ANCHOR_CHUNK_START)
		end = from == payload ? 1 : 0;
	for (size_t at = 0; at < end && find(oracle, text, &at, end); at += bytes ? bytes : 1) {
		bytes = judge(oracle, text);
		if (bytes && rule->extent == RULE_EXTENT_CHUNK) {
			*vec_add(oracle->hits) = (struct plain_hit){ chunk.address, chunk.bytes };
			return true;
		}
		if (bytes)
			*vec_add(oracle->hits) =
				(struct plain_hit){ from + at,
									bytes < chunk_end - from - at ? bytes : chunk_end - from - at };
	}
	return false;
}

static bool is_there(const struct pair *pair, vaddr at)
{
	return !pair->has_map ||
		   pair->map.runs.items[page_map_find(&pair->map, at)].state == PAGE_PRESENT;
}

/* Each stretch of the chunk's payload that is there. */
static void search_chunk(struct oracle *oracle, struct chunk chunk)
{
	const struct rule *rule = oracle->rule;
	bool shares =
		chunk.state == CHUNK_IN_USE || chunk.state == CHUNK_TCACHE || chunk.state == CHUNK_FASTBIN;
	vaddr end = chunk.address + chunk.bytes + (shares ? 8 : 0), to;

	if (end > SKETCH_START + oracle->pair->sketch.used)
		end = SKETCH_START + oracle->pair->sketch.used;
	if (!(rule->scan.states >> chunk.state & 1) || chunk.bytes < rule->scan.sizes.min ||
		chunk.bytes > rule->scan.sizes.max)
		return;
	for (vaddr from = chunk.address + 16; from < end; from = to + 1) {
		for (to = from; to < end && is_there(oracle->pair, to);)
			to++;
		if (to > from && search(oracle, chunk, from, to))
			return;
	}
}

static plain_hits ask_oracle(const struct pair *pair, uint32_t index)
{
	const struct rule *rule = &pair->rules.set->rules.items[index];
	const struct chunk_block *block = &pair->sketch.chunks.blocks.items[0];
	struct oracle oracle = { .pair = pair, .rule = rule };
	plain_hits hits = { 0 };
	size_t offset;
	int error;

	oracle.code = pcre2_compile(rule->pattern.data, rule->pattern.size, 0, &error, &offset, NULL);
	assert_non_null(oracle.code);
	oracle.data = pcre2_match_data_create_from_pattern(oracle.code, NULL);
	oracle.found = pcre2_get_ovector_pointer(oracle.data);
	oracle.hits = &hits;
	for (size_t i = 0; i < block->count; i++)
		search_chunk(&oracle, chunk_block_get(block, i));
	pcre2_match_data_free(oracle.data);
	pcre2_code_free(oracle.code);
	return hits;
}

/* ---- the comparison ---- */

struct figures {
	size_t pairs, hits, without_hits, undecided;
};

static void tell(const struct pair *pair, uint32_t rule, uint64_t seed, const char *what)
{
	printf("# DUMPCORE_SEED=%" PRIu64 " rule %u: %s\n%s", seed, rule, what,
		   strbuf_text(&pair->made[rule].yaml));
}

/* A rule's hits among all. */
static bool same(const struct findings *findings, uint32_t rule, const plain_hits *wanted,
				 char what[160])
{
	size_t count = 0;

	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];
		const struct plain_hit *want = &wanted->items[count];

		if (hit->rule != rule)
			continue;
		if (count == wanted->count || hit->start != want->at || hit->bytes != want->bytes) {
			snprintf(what, 160,
					 "a hit at +%#" PRIx64 " of %" PRIu64 " bytes; wanted number %zu of "
					 "%zu, +%#" PRIx64 " of %" PRIu64,
					 hit->start - SKETCH_START, hit->bytes, count, wanted->count,
					 count < wanted->count ? want->at - SKETCH_START : 0,
					 count < wanted->count ? want->bytes : 0);
			return false;
		}
		count++;
	}
	if (count < wanted->count)
		snprintf(what, 160, "%zu hits of %zu; the next at +%#" PRIx64, count, wanted->count,
				 wanted->items[count].at - SKETCH_START);
	return count == wanted->count;
}

/* Where the match limit ran out nobody can tell; such a pair counts for nothing. */
static bool compare(const struct pair *pair, uint64_t seed, const struct findings *findings,
					const plain_hits wanted[RULES])
{
	bool good = true;

	for (uint32_t i = 0; i < RULES; i++) {
		char what[160];

		if (findings->rules.items[i].tally.undecided || same(findings, i, &wanted[i], what))
			continue;
		tell(pair, i, seed, what);
		good = false;
	}
	return good;
}

static void count(struct figures *figures, const struct findings *findings,
				  const plain_hits wanted[RULES])
{
	for (uint32_t i = 0; i < RULES; i++) {
		if (findings->rules.items[i].tally.undecided) {
			figures->undecided++;
			continue;
		}
		figures->pairs++;
		figures->hits += wanted[i].count;
		figures->without_hits += !wanted[i].count;
	}
}

static struct findings scan_with(const struct pair *pair, unsigned workers)
{
	struct findings findings;
	struct err err = { 0 };

	if (!content_scan(&findings, pair->rules.set, &pair->sketch.image, NULL, &pair->sketch.chunks,
					  pair->has_map ? &pair->map : NULL, workers, NULL, &err))
		fail_msg("%s", err.what);
	return findings;
}

static bool try_seed(uint64_t seed, struct figures *figures)
{
	static const uint64_t units[] = { 67, 509, 4096, 20000 };
	plain_hits wanted[RULES];
	struct pair pair;
	struct findings findings;
	bool good;

	pair_init(&pair, seed);
	for (uint32_t i = 0; i < RULES; i++)
		wanted[i] = ask_oracle(&pair, i);
	findings = scan_with(&pair, 1);
	good = compare(&pair, seed, &findings, wanted);
	count(figures, &findings, wanted);
	findings_deinit(&findings);
	for (size_t i = 0; good && i < sizeof units / sizeof *units; i++) {
		findings = unit_run(&pair.rules, &pair.sketch, pair.has_map ? &pair.map : NULL, units[i],
							unit_run_usual());
		good = compare(&pair, seed, &findings, wanted);
		findings_deinit(&findings);
	}
	for (uint32_t i = 0; i < RULES; i++)
		vec_deinit(&wanted[i]);
	pair_deinit(&pair);
	return good;
}

static void random_rules_agree_with_plain_pcre2(void **state)
{
	const char *is_long = getenv("DUMPCORE_LONG"), *one = getenv("DUMPCORE_SEED");
	size_t pairs = is_long && *is_long == '1' ? PAIRS_LONG : PAIRS, failures = 0;
	struct figures figures = { 0 };

	(void)state;
	for (uint64_t seed = one ? strtoull(one, NULL, 0) : 1; figures.pairs < pairs; seed++) {
		failures += !try_seed(seed, &figures);
		if (one || failures > 10)
			break;
	}
	printf("# %zu pairs of a rule and a heap, %zu hits, %zu pairs without one; %zu more were "
		   "undecided\n",
		   figures.pairs, figures.hits, figures.without_hits, figures.undecided);
	assert_int_equal(failures, 0);
	if (!one)
		assert_true(figures.hits > 20 * figures.pairs && figures.without_hits < figures.pairs / 3 &&
					figures.undecided < figures.pairs / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rules_agree_with_plain_pcre2),
	};

	return cmocka_run_group_tests_name("differential", tests, NULL, NULL);
}
