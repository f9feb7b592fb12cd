#include "analyze/content/attempt.h"

#include "analyze/content/cpu_clock.h"

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

/* Starts up to here are decided. (In a chunk that began before this unit a match of an earlier one
 * may reach in; that is put right where the units are joined, see resume.h.) */
static void settle(const struct unit_worker *worker, struct place *place, const struct raw_hit *hit,
				   vaddr at)
{
	place->next = at + 1;
	if (hit && worker->shared->rules->rules.items[hit->rule].extent == RULE_EXTENT_CHUNK)
		place->next = UINT64_MAX; /* one match explains the chunk */
	else if (hit && hit->at + hit->bytes > place->next)
		place->next = hit->at + hit->bytes;
}

static bool validate(const struct rule *rule, struct span bytes, struct match *match)
{
	for (size_t i = 0; i < rule->validator_count; i++)
		if (!rule->validators[i]->run(bytes, match))
			return false;
	return true;
}

/* Workers add what they owe now and then, as they would wait for each other. */
static void charge(struct unit_worker *worker, uint32_t index, uint64_t cost)
{
	enum { OWED_MOST_NS = 1000000 };

	worker->tallies[index].cpu_ns += cost;
	if (!worker->shared->spent_ns)
		return;
	worker->owed_ns[index] += cost;
	if (worker->owed_ns[index] > OWED_MOST_NS)
		unit_worker_pay(worker, index);
}

/* Others hardly ever get the processor for less. */
enum { LONG_NS = 100000 };

/* What the thread used of the time since `before`, when both clocks were read, by the wall's clock,
 * which is cheap to read: where it was long, without what others had of it. */
static int64_t used_since(const struct unit_worker *worker, int64_t before)
{
	int64_t took = wall_clock_ns() - before, used;

	if (took <= LONG_NS)
		return took;
	used = cpu_clock_ns() - worker->cpu_seen;
	return used < took ? used : took;
}

/* A validator that has read more than this may have inflated 16 MiB: one run cannot stand for
 * hundreds of others, and each is taken for a nanosecond a byte (zlib makes one in 0.5 to 2). */
enum { SHORT_WORK = 4096 };

/* Validators that count their work are bounded by it, the same on any machine. The budget of time
 * is for all else, so that they are left out of the sample. */
static bool validate_in_sample(struct unit_worker *worker, uint32_t index, struct span bytes,
							   struct match *match)
{
	int64_t before = wall_clock_ns(), took;
	bool good = validate(&worker->shared->rules->rules.items[index], bytes, match);

	worker->apart_ns += worker->clock_ns;
	if (!match->work)
		return good;
	took = wall_clock_ns() - before;
	worker->apart_ns += took;
	if (match->work <= SHORT_WORK && took < LONG_NS && took > worker->clock_ns)
		worker->tallies[index].cpu_ns +=
			(uint64_t)(took - worker->clock_ns) * worker->shared->sampling;
	return good;
}

static bool run_validators(struct unit_worker *worker, uint32_t index, struct span bytes,
						   struct match *match)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];

	return worker->in_sample && rule->validator_count
			   ? validate_in_sample(worker, index, bytes, match)
			   : validate(rule, bytes, match);
}

/* What is read and made is counted whether a match comes of it or not. */
static void count_work(struct rule_tally *tally, const struct match *match)
{
	tally->work += match->work;
	if (match->work > SHORT_WORK)
		tally->cpu_ns += match->work;
}

/* Do the rule's pattern and its validators agree on a match at one address of the chunk? */
static bool decide(struct unit_worker *worker, uint32_t index, const struct view *view, vaddr at,
				   struct match *match)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct rule_tally *tally = &worker->tallies[index];
	bool good;
	vaddr from =
		at - view->readable.start > rule->lookbehind ? at - rule->lookbehind : view->readable.start;
	uint64_t left = view->readable.end - at;
	vaddr to = at + (left < rule->scan.max_length ? left : rule->scan.max_length);
	enum confirm_result result = confirm_at(rule->confirm, worker->confirm,
											run_span(worker->run, from, to), at - from, match);

	tally->tried++;
	tally->undecided += result == CONFIRM_UNDECIDED;
	if (result == CONFIRM_YES) {
		tally->matched++;
		good = run_validators(worker, index, run_span(worker->run, at, view->readable.end), match);
		tally->refused += !good;
		count_work(tally, match);
		if (good)
			return true; /* a hit may strain as it likes: the search goes on behind it */
	}
	tally->strain += confirm_strain(worker->confirm);
	return false;
}

static struct raw_hit *add_match(struct unit_worker *worker, uint32_t index,
								 const struct view *view, vaddr at, const struct match *match)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct raw_hit *hit =
		add_hit(worker, index, view, at,
				rule->extent == RULE_EXTENT_VALIDATOR ? match->extent : match->bytes);

	hit->key = raw_key_add(&worker->keys, &worker->result->keys, worker->shared->rules->redactor,
						   rule, index, match);
	hit->packed = match->packed_at <= UINT32_MAX ? match->packed : MATCH_NOT_PACKED;
	hit->packed_at = (uint32_t)match->packed_at;
	if (worker->watch)
		worker->watch(worker->watch_context, hit, match);
	return hit;
}

/* Tries the rule's pattern at one address of the chunk. */
static struct raw_hit *try_pattern(struct unit_worker *worker, uint32_t index,
								   const struct view *view, vaddr at)
{
	struct match match;

	if (!decide(worker, index, view, at, &match))
		return NULL;
	return add_match(worker, index, view, at, &match);
}

int64_t attempt_begin(struct unit_worker *worker)
{
	if (!worker->shared->sampling || worker->until_sample--)
		return 0;
	worker->until_sample = worker->shared->sampling - 1;
	worker->in_sample = true;
	worker->apart_ns = worker->clock_ns;
	worker->cpu_seen = cpu_clock_ns();
	return wall_clock_ns();
}

void attempt_end(struct unit_worker *worker, uint32_t index, int64_t before)
{
	int64_t took;

	if (!before)
		return;
	worker->in_sample = false;
	took = used_since(worker, before) - worker->apart_ns;
	if (took > 0)
		charge(worker, index, (uint64_t)took * worker->shared->sampling);
}

/* What the rule has used up in this unit. */
static unsigned used_up(const struct unit_worker *worker, const struct rule_tally *tally)
{
	return (tally->strain >= UNIT_STRIKES * CONFIRM_STRAIN ? GIVEN_UP_STRIKES : 0u) |
		   (tally->work > worker->work_most ? GIVEN_UP_WORK : 0u);
}

/* Is the rule looked for no more in this unit? Asked where a place is to be tried, which is left
 * over then: a rule that uses up a limit at its last place is not given up. */
static bool is_given_up(struct unit_worker *worker, uint32_t index)
{
	const struct unit_tables *shared = worker->shared;
	struct rule_tally *tally = &worker->tallies[index];

	if (!tally->given_up)
		tally->given_up = used_up(worker, tally);
	if (!tally->given_up && shared->given_up &&
		atomic_load_explicit(&shared->given_up[index], memory_order_relaxed))
		tally->given_up = GIVEN_UP_STRIKES;
	if (!tally->given_up && shared->budget_ns &&
		atomic_load_explicit(&shared->spent_ns[index], memory_order_relaxed) > shared->budget_ns)
		tally->given_up = GIVEN_UP_CLOCK;
	return tally->given_up;
}

/* How far the rule's starts are decided in this chunk. */
static struct place *place_of(struct unit_worker *worker, uint32_t index, const struct view *view)
{
	struct place *place = &worker->places[index];

	if (place->chunk != view->chunk.address)
		*place = (struct place){ view->chunk.address, 0 };
	return place;
}

bool attempt_pattern(struct unit_worker *worker, uint32_t index, const struct view *view, vaddr at)
{
	struct place *place = place_of(worker, index, view);
	int64_t before;

	if (at < place->next)
		return true;
	if (is_given_up(worker, index))
		return false;
	before = attempt_begin(worker);
	settle(worker, place, try_pattern(worker, index, view, at), at);
	attempt_end(worker, index, before);
	return true;
}

void attempt_patterns(struct unit_worker *worker, uint32_t index, const struct view *view,
					  struct range starts)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct span text = run_span(worker->run, starts.start, view->readable.end);
	struct place *place = place_of(worker, index, view);
	struct rule_tally *tally = &worker->tallies[index];
	uint64_t before = tally->undecided;

	for (vaddr at = starts.start > place->next ? starts.start : place->next; at < starts.end;
		 at = at < place->next ? place->next : at + 1)
		if (pattern_head_fits(&rule->head, span_part(text, at - starts.start, PATTERN_HEAD)) &&
			!attempt_pattern(worker, index, view, at)) {
			tally->undecided += tally->undecided == before;
			return;
		}
}

/* A structure that matched: its claims go with it. */
static void add_structure(struct unit_worker *worker, uint32_t index, const struct view *view,
						  const struct structure_place *place)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct raw_hit *hit = add_hit(worker, index, view, place->address, rule->structure.bytes);
	struct structure_claims claims;

	structure_claim(&rule->structure, &worker->shared->tables, place, &claims);
	hit->first_claim = (uint32_t)worker->result->claims.count;
	hit->claims = (uint32_t)claims.count;
	for (size_t i = 0; i < claims.count; i++)
		*vec_add(&worker->result->claims) = claims.items[i];
	if (worker->watch)
		worker->watch(worker->watch_context, hit, &(struct match){ .bytes = hit->bytes });
}

void attempt_structure(struct unit_worker *worker, uint32_t index, const struct view *view,
					   vaddr at)
{
	const struct structure *structure = &worker->shared->rules->rules.items[index].structure;
	struct structure_place place = { view->chunk, at,
									 run_span(worker->run, at, view->readable.end) };
	struct rule_tally *tally = &worker->tallies[index];

	tally->places++;
	tally->tried++;
	if (!structure_match(structure, &worker->shared->tables, &place))
		return;
	tally->matched++;
	add_structure(worker, index, view, &place);
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
