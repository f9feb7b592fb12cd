#include "analyze/content/unit_scan.h"

#include "analyze/content/byte_set.h"
#include "analyze/content/cpu_clock.h"
#include "analyze/content/view.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_EVERY = 64, ZERO_BLOCK = 4096 };

/* Per rule, while a unit is scanned. */
struct place {
	vaddr chunk; /* the chunk `next` is about */
	vaddr next;  /* starts before this one are decided */
};

struct unit_worker {
	const struct unit_tables *shared;
	struct confirm_thread *confirm;
	struct prefilter_thread *prefilter;
	prefilter_hits found;
	struct place *places;
	uint64_t *undecided;
	uint64_t decisions;
	int64_t clock_ns; /* what reading the clock takes; not charged to a rule */
	struct raw_key_cache keys;
	unit_watch *watch;
	void *watch_context;

	/* the unit at hand */
	const struct unit *unit;
	const struct run *run;
	struct view_source views;
	struct unit_result *result;
};

void unit_result_deinit(struct unit_result *result)
{
	vec_deinit(&result->hits);
	vec_deinit(&result->claims);
	span_index_deinit(&result->keys);
}

void unit_tables_init(struct unit_tables *tables)
{
	const struct rule_set *set = tables->rules;

	tables->reach = 0;
	for (size_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];

		if (tables->applies[i] && rule->keywords.count && rule->lead_max > tables->reach)
			tables->reach = rule->lead_max;
	}
	tables->reach += prefilter_longest(set->prefilter);
}

/* The least of some tries. */
static int64_t measure_clock(void)
{
	enum { TRIES = 16 };
	int64_t least = INT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		int64_t before = cpu_clock_ns(), took = cpu_clock_ns() - before;

		least = took < least ? took : least;
	}
	return least;
}

struct unit_worker *unit_worker_create(const struct unit_tables *tables, struct err *err)
{
	struct unit_worker *worker = mem_zeroed(1, sizeof *worker);

	worker->shared = tables;
	worker->clock_ns = measure_clock();
	worker->places = mem_zeroed(tables->rules->rules.count, sizeof *worker->places);
	worker->undecided = mem_zeroed(tables->rules->rules.count, sizeof *worker->undecided);
	worker->prefilter = prefilter_thread_create(tables->rules->prefilter, err);
	if (worker->prefilter) {
		worker->confirm = confirm_thread_create();
		if (worker->confirm)
			return worker;
		err_set(err, ERR_SYSTEM, "PCRE2 cannot allocate what a thread needs to match");
	}
	unit_worker_destroy(worker);
	return NULL;
}

void unit_worker_destroy(struct unit_worker *worker)
{
	if (!worker)
		return;
	confirm_thread_destroy(worker->confirm);
	prefilter_thread_destroy(worker->prefilter);
	vec_deinit(&worker->found);
	free(worker->places);
	free(worker->undecided);
	raw_key_cache_deinit(&worker->keys);
	free(worker);
}

const uint64_t *unit_worker_undecided(const struct unit_worker *worker)
{
	return worker->undecided;
}

void unit_worker_watch(struct unit_worker *worker, unit_watch *watch, void *context)
{
	worker->watch = watch;
	worker->watch_context = context;
}

static bool wants_chunk(const struct rule *rule, const struct chunk *chunk)
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

static void try_structure(struct unit_worker *worker, uint32_t index, const struct view *view,
						  vaddr at)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	const struct structure_tables *tables = &worker->shared->tables;
	struct span bytes = run_span(worker->run, at, view->readable.end);
	struct structure_claims claims;
	struct raw_hit *hit;

	if (!structure_match(&rule->structure, tables, &view->chunk, at, bytes))
		return;
	structure_claim(&rule->structure, tables, bytes, &claims);
	hit = add_hit(worker, index, view, at, rule->structure.bytes);
	hit->first_claim = (uint32_t)worker->result->claims.count;
	hit->claims = (uint32_t)claims.count;
	for (size_t i = 0; i < claims.count; i++)
		*vec_add(&worker->result->claims) = claims.items[i];
	if (worker->watch)
		worker->watch(worker->watch_context, hit, &(struct match){ .bytes = hit->bytes });
}

/* The part of the chunk where a match may start in this unit. */
static struct range starts_of(const struct unit_worker *worker, const struct rule *rule,
							  const struct view *view)
{
	struct range chunk = { view->payload, view->chunk.address + view->chunk.bytes };
	struct range starts = range_overlap(range_overlap(view->readable, chunk), worker->unit->range);

	if (rule->scan.anchor == RULE_ANCHOR_CHUNK_START)
		starts = range_overlap(starts, (struct range){ view->payload, view->payload + 1 });
	return starts;
}

static void try_starts(struct unit_worker *worker, uint32_t index, const struct view *view,
					   struct range starts)
{
	struct place *place = &worker->places[index];

	if (place->chunk != view->chunk.address)
		*place = (struct place){ view->chunk.address, 0 };
	for (vaddr at = starts.start > place->next ? starts.start : place->next; at < starts.end;
		 at = place->next)
		settle(worker, place, view, try_pattern(worker, index, view, at), at);
}

/* A keyword stands at `at`: the starts from which it can be the match's first one. */
static void try_keyword(struct unit_worker *worker, uint32_t index, const struct view *view,
						vaddr at)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct range lead = { at - view->payload > rule->lead_max ? at - rule->lead_max : view->payload,
						  at - rule->lead_min + 1 };

	if (!wants_chunk(rule, &view->chunk) || at - view->payload < rule->lead_min)
		return;
	lead = range_overlap(lead, starts_of(worker, rule, view));
	if (lead.start < lead.end)
		try_starts(worker, index, view, lead);
}

static void keyword_found(struct unit_worker *worker, uint32_t literal, const struct view *view,
						  vaddr at)
{
	const struct rule_literal *rules = &worker->shared->rules->literals.items[literal];

	if (at < view->readable.start || at >= view->readable.end)
		return;
	for (size_t i = 0; i < rules->rules.count; i++)
		if (worker->shared->applies[rules->rules.items[i]])
			try_keyword(worker, rules->rules.items[i], view, at);
}

/* Keywords in [from, to) of the run; libhs also sees what a keyword that starts there needs. */
static bool scan_keywords(struct unit_worker *worker, vaddr from, vaddr to)
{
	const struct rule_set *set = worker->shared->rules;
	uint64_t tail = prefilter_longest(set->prefilter) - 1;
	uint64_t left = worker->run->range.end - to;
	struct span text = run_span(worker->run, from, to + (left < tail ? left : tail));
	size_t index = chunk_block_find(worker->views.block, from);

	if (!prefilter_scan(set->prefilter, worker->prefilter, text, &worker->found))
		return false;
	for (size_t i = 0; i < worker->found.count; i++) {
		vaddr at = from + worker->found.items[i].at;
		struct view view;

		if (at >= to)
			continue;
		view = view_seek(&worker->views, &index, at);
		/* a keyword in the next chunk's prev_size word belongs to the chunk before */
		if (at < view.payload && index > 0)
			view = view_make(&worker->views, index - 1);
		keyword_found(worker, worker->found.items[i].literal, &view, at);
	}
	return true;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

/* Zero blocks are stepped over: no keyword is all zeros, so one that starts in a zero block starts
 * in its last bytes. */
static bool pass_keywords(struct unit_worker *worker)
{
	const struct range run = worker->run->range;
	struct range range = worker->unit->range;
	uint64_t reach = worker->shared->reach, left = run.end - range.end;
	uint64_t head = prefilter_longest(worker->shared->rules->prefilter);
	vaddr from = range.start;
	bool in_text = false;

	range.end += left < reach ? left : reach;
	for (vaddr at = range.start; at < range.end;) {
		vaddr next = range.end - at > ZERO_BLOCK ? at + ZERO_BLOCK : range.end;
		bool zero = is_zero(run_span(worker->run, at, next).data, next - at);

		if (!zero && !in_text)
			from = at - range.start > head ? at - head : range.start;
		if (zero && in_text && !scan_keywords(worker, from, at))
			return false;
		in_text = !zero;
		at = next;
	}
	return !in_text || scan_keywords(worker, from, range.end);
}

/* The next address in [at, end) whose byte can start a match. */
static vaddr next_start(const struct unit_worker *worker, const struct rule *rule, int only,
						vaddr at, vaddr end)
{
	struct span text = run_span(worker->run, at, end);
	const uint8_t *first = confirm_first_bytes(rule->confirm);
	const uint8_t *found;

	if (only >= 0) {
		found = memchr(text.data, only, text.size);
		return found ? at + (uint64_t)(found - text.data) : end;
	}
	for (size_t i = 0; i < text.size; i++)
		if (byte_set_has(first, text.data[i]))
			return at + i;
	return end;
}

/* The byte every match starts with, or -1. */
static int only_start(const struct rule *rule)
{
	const uint8_t *first = confirm_first_bytes(rule->confirm);
	int only = -1;

	for (unsigned byte = 0; byte < 256; byte++)
		if (byte_set_has(first, byte)) {
			if (only >= 0)
				return -1;
			only = (int)byte;
		}
	return only;
}

/* A rule without keywords looks at every byte of the unit that can start a match. */
static void pass_bytes(struct unit_worker *worker, uint32_t index)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct range unit = worker->unit->range;
	size_t chunk = chunk_block_find(worker->views.block, unit.start);
	int only = only_start(rule);

	for (vaddr at = unit.start; (at = next_start(worker, rule, only, at, unit.end)) < unit.end;
		 at++) {
		struct view view = view_seek(&worker->views, &chunk, at);
		struct range starts = starts_of(worker, rule, &view);

		if (wants_chunk(rule, &view.chunk) && range_holds(starts, at))
			try_starts(worker, index, &view, (struct range){ at, at + 1 });
	}
}

static void try_chunk(struct unit_worker *worker, uint32_t index, const struct view *view)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct range starts = starts_of(worker, rule, view);
	uint64_t step = worker->shared->tables.chunks->header_bytes;

	if (starts.start >= starts.end)
		return;
	if (rule->confirm) {
		try_starts(worker, index, view, starts);
		return;
	}
	/* malloc's addresses are multiples of two words, and so were those of a chunk that was here */
	starts.start += (view->payload - starts.start) & (step - 1);
	for (vaddr at = starts.start; at < starts.end; at += step)
		try_structure(worker, index, view, at);
}

/* Structures and patterns that stand at the start of a chunk. */
static void pass_chunks(struct unit_worker *worker, const uint32_t *rules, size_t count)
{
	struct range unit = worker->unit->range;

	for (size_t i = chunk_block_find(worker->views.block, unit.start);
		 i < worker->views.block->count; i++) {
		struct chunk chunk = chunk_block_get(worker->views.block, i);

		if (chunk.address >= unit.end)
			break;
		for (size_t j = 0; j < count; j++)
			if (wants_chunk(&worker->shared->rules->rules.items[rules[j]], &chunk)) {
				struct view view = view_make(&worker->views, i);

				try_chunk(worker, rules[j], &view);
			}
	}
}

static int compare_hits(const void *left, const void *right)
{
	const struct raw_hit *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static bool by_chunk(const struct rule *rule)
{
	return !rule->confirm ||
		   (!rule->keywords.count && rule->scan.anchor == RULE_ANCHOR_CHUNK_START);
}

/* All rules that do without the prefilter, or all rules where it is switched off. */
static void pass_others(struct unit_worker *worker)
{
	const struct rule_set *set = worker->shared->rules;
	uint32_t *rules = mem_zeroed(set->rules.count, sizeof *rules);
	size_t count = 0;

	for (uint32_t i = 0; i < set->rules.count; i++) {
		const struct rule *rule = &set->rules.items[i];

		if (!worker->shared->applies[i])
			continue;
		if (by_chunk(rule))
			rules[count++] = i;
		else if (!rule->keywords.count || worker->shared->brute)
			pass_bytes(worker, i);
	}
	if (count)
		pass_chunks(worker, rules, count);
	free(rules);
}

bool unit_scan(struct unit_worker *worker, const struct unit *unit, struct unit_result *result)
{
	const struct unit_tables *shared = worker->shared;
	const struct rule_set *set = shared->rules;

	worker->unit = unit;
	worker->run = &shared->runs->items.items[unit->run];
	worker->views = (struct view_source){
		.run = worker->run,
		.block = &shared->tables.chunks->blocks.items[worker->run->block],
		.header_bytes = shared->tables.chunks->header_bytes,
		.word = shared->tables.image->word,
	};
	raw_key_cache_clear(&worker->keys);
	worker->result = result;
	if (set->rules.count)
		memset(worker->places, 0, set->rules.count * sizeof *worker->places);
	if (!worker->views.block->count)
		return true;
	if (!shared->brute && prefilter_longest(set->prefilter) && !pass_keywords(worker))
		return false;
	pass_others(worker);
	vec_sort(&result->hits, compare_hits);
	return true;
}
