#include "analyze/content/text_scan.h"

#include "analyze/content/raw_key.h"
#include "analyze/content/stage.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct text_scan {
	struct stage stage;
	struct unit_tables tables;
	struct unit_worker *worker;
};

void text_tally_deinit(struct text_tally *tally)
{
	vec_deinit(&tally->rows);
	span_index_deinit(&tally->keys);
	vec_deinit(&tally->key_hits);
}

void text_facts_deinit(struct text_facts *facts)
{
	strbuf_deinit(&facts->key);
	vec_deinit(&facts->streams);
}

struct text_scan *text_scan_create(const struct unit_tables *heap, const bool *applies,
								   struct err *err)
{
	struct text_scan *scan = mem_zeroed(1, sizeof *scan);

	stage_init(&scan->stage, heap->tables.image);
	scan->tables = *heap;
	scan->tables.applies = applies;
	scan->tables.tables =
		(struct structure_tables){ &scan->stage.image, NULL, &scan->stage.chunks };
	scan->tables.runs = &scan->stage.runs;
	scan->tables.work_a_byte = TEXT_WORK_A_BYTE;
	unit_tables_init(&scan->tables);
	scan->worker = unit_worker_create(&scan->tables, err);
	if (scan->worker)
		return scan;
	text_scan_destroy(scan);
	return NULL;
}

void text_scan_destroy(struct text_scan *scan)
{
	if (!scan)
		return;
	unit_worker_destroy(scan->worker);
	stage_deinit(&scan->stage);
	unit_tables_deinit(&scan->tables);
	free(scan);
}

/* Few rules have places in one text: a search is as good as an index. */
static struct text_row *row_of(struct text_tally *tally, uint32_t rule)
{
	struct text_row *row;

	for (size_t i = 0; i < tally->rows.count; i++)
		if (tally->rows.items[i].rule == rule)
			return &tally->rows.items[i];
	row = vec_add(&tally->rows);
	row->rule = rule;
	return row;
}

/* False where there is no room for one more key. */
static bool add_key(struct text_tally *tally, struct span key)
{
	uint32_t number = span_index_find(&tally->keys, key);

	if (number == SPAN_INDEX_NONE) {
		if (tally->key_bytes + key.size > TEXT_KEYS)
			return false;
		tally->key_bytes += key.size;
		number = span_index_add(&tally->keys, key);
		*vec_add(&tally->key_hits) = 0;
	}
	tally->key_hits.items[number]++;
	return true;
}

/* The bytes a hit explains of the text. */
static uint64_t extent_of(const struct rule *rule, const struct raw_hit *hit)
{
	vaddr end = hit->chunk.address + hit->chunk.bytes;

	if (rule->extent == RULE_EXTENT_CHUNK)
		return end - STAGE_START;
	return hit->bytes < end - hit->at ? hit->bytes : end - hit->at;
}

static void set_key(struct text_facts *facts, struct span key)
{
	struct raw_key_head head;

	strbuf_clear(&facts->key);
	if (key.size < sizeof head)
		return;
	memcpy(&head, key.data, sizeof head);
	if (!head.hidden)
		strbuf_add(&facts->key, key.data + sizeof head, key.size - sizeof head);
}

static void note_facts(const struct text_scan *scan, const struct raw_hit *hit, struct span key,
					   struct text_facts *facts)
{
	const struct rule *rules = scan->tables.rules->rules.items;
	uint64_t bytes = extent_of(&rules[hit->rule], hit);
	int64_t priority = rules[hit->rule].priority;

	if (hit->packed)
		*vec_add(&facts->streams) = (struct text_stream){
			.at = hit->at - STAGE_START + hit->packed_at,
			.format = hit->packed,
		};
	if (facts->any && (priority < rules[facts->rule].priority ||
					   (priority == rules[facts->rule].priority && bytes <= facts->key_bytes)))
		return;
	facts->any = true;
	facts->rule = hit->rule;
	facts->key_bytes = bytes;
	set_key(facts, key);
}

static void take_hit(struct text_scan *scan, const struct unit_result *result,
					 const struct raw_hit *hit, struct text_tally *tally, struct text_facts *facts)
{
	const struct rule *rule = &scan->tables.rules->rules.items[hit->rule];
	struct span key = { 0 };
	struct text_row *row;

	if (hit->key != RAW_NO_KEY)
		key = result->keys.items.items[hit->key];
	row = row_of(tally, hit->rule);
	row->hits++;
	row->bytes += extent_of(rule, hit);
	if (key.size && !add_key(tally, key))
		row->other_hits++;
	note_facts(scan, hit, key, facts);
}

/* Of rules that the heap's scan has given up nothing counts: what they are not looked for in is
 * counted for all texts together. */
static void take_tallies(const struct text_scan *scan, const struct unit_result *result,
						 struct text_tally *tally, struct text_facts *facts)
{
	for (size_t i = 0; i < result->tallies.count; i++) {
		const struct unit_tally *unit = &result->tallies.items[i];

		if (scan->tables.given_up && atomic_load(&scan->tables.given_up[unit->rule]))
			continue;
		rule_tally_add(&row_of(tally, unit->rule)->tally, &unit->tally);
		facts->work += unit->tally.work;
	}
}

bool text_scan_run(struct text_scan *scan, struct span text, enum chunk_state state,
				   struct text_tally *tally, struct text_facts *facts)
{
	struct unit_result result = { 0 };
	bool good = unit_scan(scan->worker, stage_put(&scan->stage, text, state), &result);

	facts->any = false;
	facts->streams.count = 0;
	facts->work = 0;
	strbuf_clear(&facts->key);
	for (size_t i = 0; i < result.hits.count; i++)
		take_hit(scan, &result, &result.hits.items[i], tally, facts);
	take_tallies(scan, &result, tally, facts);
	unit_result_deinit(&result);
	return good;
}
