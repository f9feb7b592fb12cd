/* The scan against plain PCRE2, and against itself with other units and more workers, with rules
 * and heaps by chance. Chunks span many units, and so do matches, chains of them that overlap among
 * them.
 *
 *     differential_test                  a hundred pairs of a rule and a heap
 *     DUMPCORE_LONG=1 differential_test  a thousand
 *     DUMPCORE_SEED=N differential_test  the heap of that seed alone, its rules printed
 */
#include "tests/unit/unit.h"

#include "analyze/content/runs.h"
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
	LONGEST = 60000, /* chunk */
	CHAIN = 5000,
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

/* Mostly small, some of many units. */
static size_t draw_size(uint64_t *random)
{
	static const size_t most[] = { 16, 16, 300, 300, 300, 1000, 6000, 30000 };
	size_t below = random_below(random, 30) ? most[random_below(random, 8)] : LONGEST;

	return (32 + random_below(random, below)) / 16 * 16;
}

/* A text that a rule matches, maybe broken off by the chunk's end; gives its size. */
static size_t plant_text(struct pair *pair, const struct random_rule *rule, uint8_t *payload,
						 size_t size)
{
	const struct strbuf *text = &rule->texts[random_below(&pair->random, RANDOM_RULE_TEXTS)];

	if (text->size)
		memcpy(payload, text->data, text->size < size ? text->size : size);
	return text->size;
}

/* Texts of one rule, most of which begin in the one before. */
static void plant_chain(struct pair *pair, uint8_t *payload, size_t size)
{
	const struct random_rule *rule = &pair->made[random_below(&pair->random, RULES)];
	size_t text;

	for (size_t at = 0; at < size; at += 1 + random_below(&pair->random, text + 2))
		text = plant_text(pair, rule, payload + at, size - at);
}

static void plant(struct pair *pair, uint8_t *payload, size_t size)
{
	size_t count = random_below(&pair->random, 3 + size / 500);

	for (size_t i = 0; i < count; i++) {
		size_t at = random_below(&pair->random, 4) ? random_below(&pair->random, size) : 0;

		plant_text(pair, &pair->made[random_below(&pair->random, RULES)], payload + at, size - at);
	}
	for (size_t at = 0; at + CHAIN < size; at += CHAIN)
		if (random_below(&pair->random, 2))
			plant_chain(pair, payload + at, CHAIN);
}

static void make_heap(struct pair *pair)
{
	struct sketch *sketch = &pair->sketch;
	uint64_t *random = &pair->random;

	sketch_init(sketch, HEAP_BYTES);
	while (HEAP_BYTES - sketch->used > LONGEST + 64) {
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

static const struct page_map *map_of(const struct pair *pair)
{
	return pair->has_map ? &pair->map : NULL;
}

/* ---- the comparison ---- */

struct figures {
	size_t pairs, hits, without_hits, undecided;
	size_t over, far; /* hits that reach over a border of units, or over several */
};

/* Sizes of units: borders are counted of one, and several workers take the other. */
enum { BORDER = 509, MANY_WORKERS = 4096 };

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

static void count_borders(struct figures *figures, const struct plain_hit *hit)
{
	uint64_t borders = (hit->at + hit->bytes - 1) / BORDER - hit->at / BORDER;

	figures->over += borders > 0;
	figures->far += borders > 1;
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
		for (size_t j = 0; j < wanted[i].count; j++)
			count_borders(figures, &wanted[i].items[j]);
		figures->without_hits += !wanted[i].count;
	}
}

static bool same_groups(const struct findings *a, const struct findings *b)
{
	for (size_t i = 0; i < a->groups.count && i < b->groups.count; i++)
		if (strcmp(a->groups.items[i].key, b->groups.items[i].key) != 0)
			return false;
	return a->groups.count == b->groups.count;
}

static bool same_hits(const struct findings *a, const struct findings *b)
{
	for (size_t i = 0; i < a->hits.count && i < b->hits.count; i++) {
		const struct hit *one = &a->hits.items[i], *other = &b->hits.items[i];

		if (one->start != other->start || one->bytes != other->bytes || one->rule != other->rule ||
			one->group != other->group)
			return false;
	}
	return a->hits.count == b->hits.count;
}

static bool same_tallies(const struct findings *a, const struct findings *b)
{
	for (size_t i = 0; i < a->rules.count; i++) {
		struct rule_tally one = a->rules.items[i].tally, other = b->rules.items[i].tally;

		one.cpu_ns = other.cpu_ns = 0;
		if (memcmp(&one, &other, sizeof one) != 0)
			return false;
	}
	return true;
}

/* Whoever scans, all of it is the same: also what of it is undecided. */
static bool try_workers(const struct pair *pair, uint64_t seed, uint64_t unit_bytes,
						const struct findings *one)
{
	bool good = true;

	for (unsigned workers = 2; good && workers <= 8; workers *= 4) {
		struct findings many =
			unit_run_by(&pair->rules, &pair->sketch, map_of(pair), unit_bytes, workers);

		good = same_hits(one, &many) && same_groups(one, &many) && same_tallies(one, &many);
		if (!good)
			printf("# DUMPCORE_SEED=%" PRIu64 ": %u workers find something else in units of "
				   "%" PRIu64 " bytes\n",
				   seed, workers, unit_bytes);
		findings_deinit(&many);
	}
	return good;
}

static bool try_units(const struct pair *pair, uint64_t seed, uint64_t unit_bytes,
					  const plain_hits wanted[RULES], struct figures *figures)
{
	struct findings one = unit_run_by(&pair->rules, &pair->sketch, map_of(pair), unit_bytes, 1);
	bool good = compare(pair, seed, &one, wanted);

	if (unit_bytes == UNIT_BYTES)
		count(figures, &one, wanted);
	if (unit_bytes == MANY_WORKERS)
		good = good && try_workers(pair, seed, unit_bytes, &one);
	findings_deinit(&one);
	return good;
}

static bool try_seed(uint64_t seed, struct figures *figures)
{
	static const uint64_t units[] = { UNIT_BYTES, 211, BORDER, MANY_WORKERS, 20000 };
	plain_hits wanted[RULES];
	struct pair pair;
	bool good = true;

	pair_init(&pair, seed);
	for (uint32_t i = 0; i < RULES; i++)
		wanted[i] = plain_search(&pair.rules.set->rules.items[i], &pair.sketch, map_of(&pair));
	for (size_t i = 0; good && i < sizeof units / sizeof *units; i++)
		good = try_units(&pair, seed, units[i], wanted, figures);
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
	printf("# %zu pairs of a rule and a heap, %zu hits, %zu of them over a border of units and %zu "
		   "over several, %zu pairs without one; %zu more were undecided\n",
		   figures.pairs, figures.hits, figures.over, figures.far, figures.without_hits,
		   figures.undecided);
	assert_int_equal(failures, 0);
	if (!one)
		assert_true(figures.hits > 20 * figures.pairs && figures.over > 2 * figures.pairs &&
					figures.far > figures.pairs / 4 && figures.without_hits < figures.pairs / 3 &&
					figures.undecided < figures.pairs / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rules_agree_with_plain_pcre2),
	};

	return cmocka_run_group_tests_name("differential", tests, NULL, NULL);
}
