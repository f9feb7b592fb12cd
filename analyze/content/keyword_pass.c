#include "analyze/content/keyword_pass.h"

#include "analyze/content/attempt.h"

#include <string.h>

enum { ZERO_BLOCK = 4096 };

static bool tail_fits(const struct unit_worker *worker, const struct rule_keyword *keyword,
					  const struct view *view, vaddr at)
{
	vaddr from = at + keyword->bytes.size;

	return from >= view->readable.end ||
		   pattern_head_fits(&keyword->tail, run_span(worker->run, from, view->readable.end));
}

/* A keyword stands at `at`: the starts from which it can be the match's first one. */
static void try_keyword(struct unit_worker *worker, const struct literal_use *use,
						const struct view *view, vaddr at)
{
	const struct rule *rule = &worker->shared->rules->rules.items[use->rule];
	struct range lead = { at - view->payload > rule->lead_max ? at - rule->lead_max : view->payload,
						  at - rule->lead_min + 1 };

	if (!attempt_wants(rule, &view->chunk) || at - view->payload < rule->lead_min ||
		!tail_fits(worker, use->keyword, view, at))
		return;
	lead = range_overlap(lead, attempt_starts(worker, rule, view));
	if (lead.start < lead.end)
		attempt_patterns(worker, use->rule, view, lead);
}

static void keyword_found(struct unit_worker *worker, uint32_t literal, const struct view *view,
						  vaddr at)
{
	const struct rule_literal *found = &worker->shared->rules->literals.items[literal];

	if (at < view->readable.start || at >= view->readable.end)
		return;
	for (size_t i = 0; i < found->uses.count; i++) {
		const struct literal_use *use = &found->uses.items[i];

		if (unit_worker_seeks(worker, use->rule) && !worker->tallies[use->rule].given_up)
			try_keyword(worker, use, view, at);
	}
}

/* Counts a keyword for its rules. Gives false where none of them is looked for any more: a rule
 * that was given up may have a keyword every few bytes. */
static bool count_keyword(struct unit_worker *worker, uint32_t literal, vaddr at)
{
	const struct rule_literal *found = &worker->shared->rules->literals.items[literal];
	bool is_own = range_holds(worker->unit->range, at), sought = false;

	for (size_t i = 0; i < found->uses.count; i++) {
		uint32_t rule = found->uses.items[i].rule;
		struct rule_tally *tally = &worker->tallies[rule];

		if (!unit_worker_seeks(worker, rule))
			continue;
		tally->keywords += is_own;
		tally->places += is_own;
		tally->undecided += is_own && tally->given_up;
		sought |= !tally->given_up;
	}
	worker->vain += !sought;
	return sought;
}

/* Keywords in [from, to) of the run; libhs also sees what a keyword that starts there needs. */
static bool scan_keywords(struct unit_worker *worker, vaddr from, vaddr to)
{
	const struct rule_set *set = worker->shared->rules;
	uint64_t tail = prefilter_longest(set->prefilter) - 1;
	uint64_t left = worker->run->range.end - to;
	struct span text = run_span(worker->run, from, to + (left < tail ? left : tail));
	size_t index = chunk_block_find(worker->views.block, from);
	struct view view = { 0 };

	if (!prefilter_scan(worker->keywords, worker->prefilter, text, &worker->found))
		return false;
	for (size_t i = 0; i < worker->found.count; i++) {
		vaddr at = from + worker->found.items[i].at;

		if (at >= to || !count_keyword(worker, worker->found.items[i].literal, at))
			continue;
		if (!range_holds(view.readable, at))
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
bool keyword_pass(struct unit_worker *worker)
{
	const struct range run = worker->run->range;
	struct range range = worker->unit->range;
	uint64_t reach = worker->shared->plan.reach, left = run.end - range.end;
	uint64_t head = prefilter_longest(worker->shared->rules->prefilter);
	vaddr from = range.start;
	bool in_text = false;
	struct err ignored = { 0 };

	if (!unit_worker_take_keywords(worker, &ignored))
		return false;
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
