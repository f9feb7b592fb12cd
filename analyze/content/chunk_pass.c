#include "analyze/content/chunk_pass.h"

#include "analyze/content/attempt.h"

static void try_chunk(struct unit_worker *worker, uint32_t index, const struct view *view)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct range starts = attempt_starts(worker, rule, view);
	uint64_t step = worker->shared->tables.chunks->header_bytes;

	if (starts.start >= starts.end)
		return;
	if (rule->confirm) {
		attempt_patterns(worker, index, view, starts);
		return;
	}
	/* malloc's addresses are multiples of two words, and so were those of a chunk that was here */
	starts.start += (view->payload - starts.start) & (step - 1);
	for (vaddr at = starts.start; at < starts.end; at += step)
		attempt_structure(worker, index, view, at);
}

void chunk_pass(struct unit_worker *worker, const uint32_t *rules, size_t count)
{
	struct range unit = worker->unit->range;

	for (size_t i = chunk_block_find(worker->views.block, unit.start);
		 i < worker->views.block->count; i++) {
		struct chunk chunk = chunk_block_get(worker->views.block, i);

		if (chunk.address >= unit.end)
			break;
		for (size_t j = 0; j < count; j++)
			if (attempt_wants(&worker->shared->rules->rules.items[rules[j]], &chunk)) {
				struct view view = view_make(&worker->views, i);

				try_chunk(worker, rules[j], &view);
			}
	}
}
