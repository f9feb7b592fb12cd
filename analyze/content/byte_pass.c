#include "analyze/content/byte_pass.h"

#include "analyze/content/attempt.h"
#include "analyze/content/byte_set.h"

#include <string.h>

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

void byte_pass(struct unit_worker *worker, uint32_t index)
{
	const struct rule *rule = &worker->shared->rules->rules.items[index];
	struct range unit = worker->unit->range;
	size_t chunk = chunk_block_find(worker->views.block, unit.start);
	int only = only_start(rule);

	for (vaddr at = unit.start; (at = next_start(worker, rule, only, at, unit.end)) < unit.end;
		 at++) {
		struct view view = view_seek(&worker->views, &chunk, at);
		struct range starts = attempt_starts(worker, rule, &view);

		if (attempt_wants(rule, &view.chunk) && range_holds(starts, at))
			attempt_patterns(worker, index, &view, (struct range){ at, at + 1 });
	}
}
