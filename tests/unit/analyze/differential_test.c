/* The scan against plain PCRE2, with rules and heaps by chance.
 *
 *     differential_test                  a hundred pairs of a rule and a heap
 *     DUMPCORE_LONG=1 differential_test  a thousand
 *     DUMPCORE_SEED=N differential_test  the heap of that seed alone, its rules printed
 */
#include "tests/unit/unit.h"

#include "analyze/rules/rule.h"
#include "tests/support/plain_search.h"
#include "tests/support/random_rule.h"
#include "tests/support/rule_text.h"
#include "tests/support/sketch.h"
#include "tests/support/unit_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static bool was_left(const struct finding_rule *rule)
{
	return rule->tally.undecided || rule->tally.unsearched;
}

static bool compare(const struct pair *pair, uint64_t seed, const struct findings *findings,
					const plain_hits wanted[RULES])
{
	bool good = true;

	for (uint32_t i = 0; i < RULES; i++) {
		char what[160];

		if (was_left(&findings->rules.items[i]) || same(findings, i, &wanted[i], what))
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
		if (was_left(&findings->rules.items[i])) {
			figures->undecided++;
			continue;
		}
		figures->pairs++;
		figures->hits += wanted[i].count;
		figures->without_hits += !wanted[i].count;
	}
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
		wanted[i] = plain_search(&pair.rules.set->rules.items[i], &pair.sketch,
								 pair.has_map ? &pair.map : NULL);
	findings = unit_run_whole(&pair.rules, &pair.sketch, pair.has_map ? &pair.map : NULL, 1);
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
