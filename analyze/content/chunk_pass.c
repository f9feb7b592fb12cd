#include "analyze/content/chunk_pass.h"

#include "analyze/content/attempt.h"
#include "analyze/rules/byte_set.h"

/* A pattern at the start of the chunk; most chunks do not begin as a match does. */
static void try_start(struct unit_worker *worker, const struct chunk_rule *row,
					  const struct view *view, struct range starts)
{
	const struct rule *rule = &worker->shared->rules->rules.items[row->rule];
	struct span text = run_span(worker->run, starts.start, view->readable.end);

	if (!byte_set_has(row->first, *text.data))
		return;
	worker->tallies[row->rule].places++;
	if (pattern_openings_fit(&rule->openings, text))
		attempt_patterns(worker, row->rule, view, starts);
}

/* A structure, at each place where its probe passes. malloc's addresses are multiples of two words,
 * and so were those of a chunk that was here. */
static void try_probe(struct unit_worker *worker, const struct chunk_rule *row,
					  const struct view *view, struct range starts)
{
	uint64_t step = worker->shared->tables.chunks->header_bytes;
	vaddr first = starts.start + ((view->payload - starts.start) & (step - 1));
	struct span bytes, words;
	size_t end;

	if (first >= starts.end)
		return;
	bytes = run_span(worker->run, first, view->readable.end);
	end = starts.end - first;
	words = span_part(bytes, 0, probe_reach(&row->probe, end));
	for (size_t at = probe_next(&row->probe, words, first, 0, step); at < end;
		 at = probe_next(&row->probe, words, first, at + step, step))
		attempt_structure(worker, row->rule, view, first + at);
	if (view->readable.end >= view->chunk.address + view->chunk.bytes)
		return;
	/* a page is missing: words behind it are read from elsewhere, and no probe tells of them */
	for (size_t at = probe_behind(&row->probe, bytes.size, step); at < end; at += step)
		attempt_structure(worker, row->rule, view, first + at);
}

static void try_chunk(struct unit_worker *worker, const struct chunk_rule *row,
					  const struct view *view)
{
	const struct rule *rule = &worker->shared->rules->rules.items[row->rule];
	struct range starts = attempt_starts(worker, rule, view);
	int64_t before;

	if (starts.start >= starts.end)
		return;
	if (row->first) {
		try_start(worker, row, view, starts);
		return;
	}
	before = attempt_begin(worker);
	try_probe(worker, row, view, starts);
	attempt_end(worker, row->rule, before);
}

void chunk_pass(struct unit_worker *worker)
{
	const struct unit_tables *shared = worker->shared;
	const struct chunk_block *block = worker->views.block;

	if (!shared->plan.by_chunk.count)
		return;
	for (size_t i = chunk_block_find(block, worker->unit->range.start); i < block->count; i++) {
		struct chunk chunk = chunk_block_get(block, i);
		struct chunk_rules rules = scan_plan_find(&shared->plan, &chunk);
		struct view view;

		if (chunk.address >= worker->unit->range.end)
			break;
		if (rules.count)
			view = view_make(&worker->views, i);
		for (size_t j = 0; j < rules.count; j++) {
			const struct chunk_rule *row = &shared->plan.by_chunk.items[rules.items[j]];

			if (unit_worker_seeks(worker, row->rule) &&
				attempt_wants(&shared->rules->rules.items[row->rule], &chunk))
				try_chunk(worker, row, &view);
		}
	}
}
