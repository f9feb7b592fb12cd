#include "analyze/content/attempt.h"

#include "analyze/content/byte_set.h"
#include "analyze/content/cpu_clock.h"

enum { SAMPLE_EVERY = 64 };

bool attempt_wants(const struct rule *rule, const struct chunk *chunk)
{
	return rule->scan.states >> chunk->state & 1 && chunk->bytes >= rule->scan.sizes.min &&
		   chunk->bytes <= rule->scan.sizes.max;
}

static struct raw_hit *add_hit(struct unit_worker *worker, uint32_t rule, const struct view *view,
							   vaddr at, uint64_t bytes)
{
	struct raw_hit *hit = vec_add(&worker->result->hits);

	*hit = (struct raw_hit){
		.at = at,
		.bytes = bytes,
		.chunk = view->chunk,
		.rule = rule,
		.key = RAW_NO_KEY,
	};
	return hit;
}

/* Starts up to here are decided. In a chunk that began before this unit an earlier unit may hold a
 * match that reaches into it, so every start has to be tried there. */
static void settle(struct unit_worker *worker, struct place *place, const struct view *view,
				   const struct raw_hit *hit, vaddr at)
{
	place->next = at + 1;
	if (hit && worker->shared->rules->rules.items[hit->rule].extent == RULE_EXTENT_CHUNK)
		place->next = UINT64_MAX; /* one match explains the chunk */
	else if (hit && view->payload >= worker->unit->range.start &&
			 hit->at + hit->bytes > place->next)
		place->next = hit->at + hit->bytes;
}

static bool over_budget(struct unit_worker *worker, uint32_t index)
{
	const struct unit_tables *shared = worker->shared;

	return shared->budget_ns &&
		   atomic_load_explicit(&shared->spent_ns[index], memory_order_relaxed) > shared->budget_ns;
}

static bool validate(const struct rule *rule, struct span bytes, struct match *match)
{
	for (size_t i = 0; i < rule->validator_count; i++)
		if (!rule->validators[i]->run(bytes, match))
			return false;
	return true;
}

/* Do the rule's pattern and its validators agree on a match at one address of the chunk? */
static enum confirm_result decide(struct unit_worker *worker, const struct rule *rule,
								  const struct view *view, vaddr at, struct match *match)
{
	vaddr from =
		at - view->readable.start > rule->lookbehind ? at - rule->lookbehind : view->readable.start;
	uint64_t left = view->readable.end - at;
	vaddr to = at + (left < rule->scan.max_length ? left : rule->scan.max_length);
	enum confirm_result result = confirm_at(rule->confirm, worker->confirm,
											run_span(worker->run, from, to), at - from, match);

	if (result == CONFIRM_YES &&
		!validate(rule, run_span(worker->run, at, view->readable.end), match))
		return CONFIRM_NO;
	return result;
}

static void charge(struct unit_worker *worker, uint32_t index, int64_t took)
{
	if (took > worker->clock_ns)
		atomic_fetch_add_explicit(&worker->shared->spent_ns[index],
								  (uint64_t)(took - worker->clock_ns) * SAMPLE_EVERY,
								  memory_order_relaxed);
}

/* decide, within the rule's budget; timed now and then to charge it. */
static enum confirm_result decide_in_budget(struct unit_worker *worker, uint32_t index,
											const struct view *view, vaddr at, struct match *match)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	bool timed = worker->shared->budget_ns && worker->decisions++ % SAMPLE_EVERY == 0;
	enum confirm_result result;
	int64_t before;

	if (over_budget(worker, index))
		return CONFIRM_UNDECIDED;
	before = timed ? cpu_clock_ns() : 0;
	result = decide(worker, rule, view, at, match);
	if (timed)
		charge(worker, index, cpu_clock_ns() - before);
	return result;
}

/* Tries the rule's pattern at one address of the chunk. */
static struct raw_hit *try_pattern(struct unit_worker *worker, uint32_t index,
								   const struct view *view, vaddr at)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	enum confirm_result result;
	struct raw_hit *hit;
	struct match match;

	if (!byte_set_has(confirm_first_bytes(rule->confirm), *run_span(worker->run, at, at + 1).data))
		return NULL;
	result = decide_in_budget(worker, index, view, at, &match);
	if (result == CONFIRM_UNDECIDED)
		worker->undecided[index]++;
	if (result != CONFIRM_YES)
		return NULL;
	hit = add_hit(worker, index, view, at,
				  rule->extent == RULE_EXTENT_VALIDATOR ? match.extent : match.bytes);
	hit->key = raw_key_add(&worker->keys, &worker->result->keys, worker->shared->rules->redactor,
						   rule, index, &match);
	hit->packed = match.packed_at <= UINT32_MAX ? match.packed : MATCH_NOT_PACKED;
	hit->packed_at = (uint32_t)match.packed_at;
	if (worker->watch)
		worker->watch(worker->watch_context, hit, &match);
	return hit;
}

void attempt_structure(struct unit_worker *worker, uint32_t index, const struct view *view,
					   vaddr at)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	const struct structure_tables *tables = &worker->shared->tables;
	struct structure_place place = { view->chunk, at,
									 run_span(worker->run, at, view->readable.end) };
	struct structure_claims claims;
	struct raw_hit *hit;

	if (!structure_match(&rule->structure, tables, &place))
		return;
	structure_claim(&rule->structure, tables, &place, &claims);
	hit = add_hit(worker, index, view, at, rule->structure.bytes);
	hit->first_claim = (uint32_t)worker->result->claims.count;
	hit->claims = (uint32_t)claims.count;
	for (size_t i = 0; i < claims.count; i++)
		*vec_add(&worker->result->claims) = claims.items[i];
	if (worker->watch)
		worker->watch(worker->watch_context, hit, &(struct match){ .bytes = hit->bytes });
}

struct range attempt_starts(const struct unit_worker *worker, const struct rule *rule,
							const struct view *view)
{
	struct range chunk = { view->payload, view->chunk.address + view->chunk.bytes };
	struct range starts = range_overlap(range_overlap(view->readable, chunk), worker->unit->range);

	if (rule->scan.anchor == RULE_ANCHOR_CHUNK_START)
		starts = range_overlap(starts, (struct range){ view->payload, view->payload + 1 });
	return starts;
}

void attempt_patterns(struct unit_worker *worker, uint32_t index, const struct view *view,
					  struct range starts)
{
	struct place *place = &worker->places[index];

	if (place->chunk != view->chunk.address)
		*place = (struct place){ view->chunk.address, 0 };
	for (vaddr at = starts.start > place->next ? starts.start : place->next; at < starts.end;
		 at = place->next)
		settle(worker, place, view, try_pattern(worker, index, view, at), at);
}
