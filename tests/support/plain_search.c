#include "tests/support/plain_search.h"

#include "tests/unit/unit.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct oracle {
	const struct sketch *sketch;
	const struct page_map *map; /* or NULL */
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
		span_make(oracle->sketch->memory + (from - SKETCH_START), (size_t)(to - from));
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

static bool is_there(const struct page_map *map, vaddr at)
{
	return !map || map->runs.items[page_map_find(map, at)].state == PAGE_PRESENT;
}

/* Each stretch of the chunk's payload that is there. */
static void search_chunk(struct oracle *oracle, struct chunk chunk)
{
	const struct rule *rule = oracle->rule;
	bool shares =
		chunk.state == CHUNK_IN_USE || chunk.state == CHUNK_TCACHE || chunk.state == CHUNK_FASTBIN;
	vaddr end = chunk.address + chunk.bytes + (shares ? 8 : 0), to;

	if (end > SKETCH_START + oracle->sketch->used)
		end = SKETCH_START + oracle->sketch->used;
	if (!(rule->scan.states >> chunk.state & 1) || chunk.bytes < rule->scan.sizes.min ||
		chunk.bytes > rule->scan.sizes.max)
		return;
	for (vaddr from = chunk.address + 16; from < end; from = to + 1) {
		for (to = from; to < end && is_there(oracle->map, to);)
			to++;
		if (to > from && search(oracle, chunk, from, to))
			return;
	}
}

plain_hits plain_search(const struct rule *rule, const struct sketch *sketch,
						const struct page_map *page_map)
{
	const struct chunk_block *block = &sketch->chunks.blocks.items[0];
	struct oracle oracle = { .sketch = sketch, .map = page_map, .rule = rule };
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
