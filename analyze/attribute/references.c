#include "analyze/attribute/references.h"

#include "analyze/attribute/chunk_jobs.h"
#include "analyze/attribute/ledger.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Keys of the tally: what a live chunk counts for, or the size class of an unreachable one. */
enum { STATE_BITS = 1 };
enum { KEY_ANCHORED = 1, KEY_INTERIOR, KEY_HEAD, KEY_SIZES };

static void count(void *context, const struct chunk_block *block, size_t first, size_t last,
				  struct tally *tally)
{
	const struct reach *reach = context;
	size_t number = (size_t)(block - reach->table->blocks.items);

	for (size_t i = first; i < last; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		bool anchored = reach_has(reach, REACH_ANCHORED, number, i);

		if (!chunk_is_live(chunk.state))
			continue;
		if (anchored)
			tally_add(tally, KEY_ANCHORED, chunk.bytes);
		else
			tally_add(tally,
					  KEY_SIZES + (chunk.bytes << STATE_BITS | (chunk.state == CHUNK_MMAPPED)),
					  chunk.bytes);
		if (anchored && !reach_has(reach, REACH_EXACT, number, i))
			tally_add(tally, KEY_INTERIOR, chunk.bytes);
		if (!anchored && !reach_has(reach, REACH_HELD, number, i))
			tally_add(tally, KEY_HEAD, chunk.bytes);
	}
}

static void add_size(struct report_references *references, const struct tally_row *row)
{
	uint64_t key = row->key - KEY_SIZES;

	references->unreachable.chunks += row->chunks;
	references->unreachable.bytes += row->bytes;
	if (references->sizes.count < REFERENCES_SIZES)
		*vec_add(&references->sizes) = (struct report_size_class){
			.size = key >> STATE_BITS,
			.state = chunk_state_name(key & 1 ? CHUNK_MMAPPED : CHUNK_IN_USE),
			.chunks = row->chunks,
			.bytes = row->bytes,
		};
}

static void fill_sums(struct report_references *references, const struct reach *reach,
					  unsigned workers)
{
	struct report_count *sums[KEY_SIZES] = { [KEY_ANCHORED] = &references->anchored,
											 [KEY_INTERIOR] = &references->interior,
											 [KEY_HEAD] = &references->heads };
	struct tally tally = { 0 };
	size_t rows;

	chunk_jobs_run(reach->table, workers, count, (void *)(uintptr_t)reach, &tally);
	rows = tally_sort(&tally);
	for (size_t i = 0; i < rows; i++) {
		const struct tally_row *row = &tally.slots[i];

		if (row->key >= KEY_SIZES)
			add_size(references, row);
		else
			*sums[row->key] = (struct report_count){ row->chunks, row->bytes };
	}
	tally_deinit(&tally);
}

static void fill_roots(struct report_references *references, const struct reach *reach)
{
	for (unsigned i = 0; i < ROOT_KINDS; i++) {
		const struct reach_sum *sum = &reach->sums[i];

		if (sum->bytes)
			*vec_add(&references->roots) = (struct report_root){
				.id = root_id((enum root_kind)i),
				.title = root_title((enum root_kind)i),
				.bytes = sum->bytes,
				.references = sum->references,
				.anchored = { sum->chunks, sum->chunk_bytes },
			};
	}
}

/* Goes over chunks and hits side by side; both are sorted by address. */
struct joiner {
	struct report_references *references;
	const struct reach *reach;
	const struct findings *findings;
	struct pool *pool;
	size_t next_hit;
	struct report_count *rules; /* as findings.rules; one more for chunks without a hit */
};

/* The hit that stands for the chunk, as in the list of chunks; NULL where it has none. */
static const struct hit *best_hit(struct joiner *joiner, const struct chunk *chunk)
{
	const struct findings *findings = joiner->findings;
	vaddr end = chunk->address + chunk->bytes;
	const struct hit *best = NULL;

	for (; joiner->next_hit < findings->hits.count; joiner->next_hit++) {
		const struct hit *hit = &findings->hits.items[joiner->next_hit];

		if (hit->start >= end)
			break;
		if (hit->start >= chunk->address && (!best || ledger_precedes(findings, hit, best)))
			best = hit;
	}
	return best;
}

/* Keeps the largest ones: by insertion into the short list. */
static void keep_largest(struct joiner *joiner, const struct report_unreachable_chunk *chunk)
{
	struct report_references *references = joiner->references;
	size_t count_now = references->largest.count, at;

	if (count_now == REFERENCES_LARGEST) {
		if (references->largest.items[count_now - 1].bytes >= chunk->bytes)
			return;
		references->largest.count--;
	}
	at = references->largest.count;
	vec_add(&references->largest);
	for (; at && references->largest.items[at - 1].bytes < chunk->bytes; at--)
		references->largest.items[at] = references->largest.items[at - 1];
	references->largest.items[at] = *chunk;
}

static void join_chunk(struct joiner *joiner, size_t block, size_t index)
{
	struct chunk chunk = chunk_block_get(&joiner->reach->table->blocks.items[block], index);
	const struct hit *hit;
	struct report_count *sum;

	if (!chunk_is_live(chunk.state) || reach_has(joiner->reach, REACH_ANCHORED, block, index))
		return;
	hit = best_hit(joiner, &chunk);
	sum = &joiner->rules[hit ? hit->rule : joiner->findings->rules.count];
	sum->chunks++;
	sum->bytes += chunk.bytes;
	keep_largest(joiner, &(struct report_unreachable_chunk){
							 .address = chunk.address + joiner->reach->table->header_bytes,
							 .bytes = chunk.bytes,
							 .state = chunk_state_name(chunk.state),
							 .rule = hit ? joiner->findings->rules.items[hit->rule].id : "",
							 .head = !reach_has(joiner->reach, REACH_HELD, block, index),
						 });
}

static int compare_rules(const void *left, const void *right)
{
	const struct report_unreachable_rule *a = left, *b = right;

	int order = (a->sum.bytes < b->sum.bytes) - (a->sum.bytes > b->sum.bytes);

	return order ? order : strcmp(a->id, b->id);
}

static void fill_rules(struct joiner *joiner)
{
	struct report_references *references = joiner->references;
	size_t count_rules = joiner->findings->rules.count;

	for (size_t i = 0; i < joiner->reach->table->blocks.count; i++)
		for (size_t j = 0; j < joiner->reach->table->blocks.items[i].count; j++)
			join_chunk(joiner, i, j);
	for (size_t i = 0; i <= count_rules; i++)
		if (joiner->rules[i].chunks)
			*vec_add(&references->rules) = (struct report_unreachable_rule){
				i < count_rules ? pool_string(joiner->pool, joiner->findings->rules.items[i].id)
								: "",
				joiner->rules[i]
			};
	vec_sort(&references->rules, compare_rules);
	for (size_t i = 0; i < references->largest.count; i++)
		references->largest.items[i].rule =
			pool_string(joiner->pool, references->largest.items[i].rule);
}

void references_fill(struct report_references *references, const struct reach *reach,
					 const struct findings *findings, unsigned workers, bool weak,
					 struct pool *pool)
{
	struct joiner joiner = { references, reach, findings, pool, 0, NULL };

	references->asked = true;
	references->weak = weak;
	fill_sums(references, reach, workers);
	fill_roots(references, reach);
	joiner.rules = mem_zeroed(findings->rules.count + 1, sizeof *joiner.rules);
	fill_rules(&joiner);
	free(joiner.rules);
}
