#include "analyze/content/byte_pass.h"

#include "analyze/content/attempt.h"
#include "analyze/rules/byte_set.h"

#include <string.h>

/* The next address in [at, end) whose byte can start a match. */
static vaddr next_start(const struct unit_worker *worker, const struct byte_rules *rules, vaddr at,
						vaddr end)
{
	struct span text = run_span(worker->run, at, end);
	const uint8_t *found;

	if (rules->only >= 0) {
		found = memchr(text.data, rules->only, text.size);
		return found ? at + (uint64_t)(found - text.data) : end;
	}
	for (size_t i = 0; i < text.size; i++)
		if (byte_set_has(rules->first, text.data[i]))
			return at + i;
	return end;
}

static const struct rule *rule_of(const struct unit_worker *worker, const struct byte_rules *rules,
								  size_t index)
{
	return &worker->shared->rules->rules.items[rules->rules.items[index]];
}

/* Places from an address of a chunk on where a match of the rule may start. */
static uint64_t count_places(const struct unit_worker *worker, const struct rule *rule,
							 size_t chunk, vaddr from)
{
	struct range rest = { from, worker->unit->range.end };
	uint64_t count = 0;

	for (; chunk < worker->views.block->count; chunk++) {
		struct view view = view_make(&worker->views, chunk);

		if (view.chunk.address >= rest.end)
			break;
		if (attempt_wants(rule, &view.chunk))
			count += range_bytes(range_overlap(attempt_starts(worker, rule, &view), rest));
	}
	return count;
}

/* The rules that are still looked for, a bit each. */
static uint32_t begin(struct unit_worker *worker, const struct byte_rules *rules, size_t chunk)
{
	uint32_t sought = 0;

	for (size_t i = 0; i < rules->rules.count; i++) {
		struct rule_tally *tally = &worker->tallies[rules->rules.items[i]];

		if (!unit_worker_seeks(worker, rules->rules.items[i]) || tally->given_up)
			continue;
		tally->places +=
			count_places(worker, rule_of(worker, rules, i), chunk, worker->unit->range.start);
		sought |= UINT32_C(1) << i;
	}
	return sought;
}

/* False where the rule is looked for no more in this unit. */
static bool try_byte(struct unit_worker *worker, const struct byte_rules *rules, size_t index,
					 const struct view *view, vaddr at)
{
	const struct rule *rule = rule_of(worker, rules, index);

	return !attempt_wants(rule, &view->chunk) ||
		   !range_holds(attempt_starts(worker, rule, view), at) ||
		   !pattern_head_fits(&rule->head, run_span(worker->run, at, view->readable.end)) ||
		   attempt_pattern(worker, rules->rules.items[index], view, at);
}

void byte_pass(struct unit_worker *worker, const struct byte_rules *rules)
{
	struct range unit = worker->unit->range;
	size_t chunk = chunk_block_find(worker->views.block, unit.start);
	uint32_t sought = begin(worker, rules, chunk);

	for (vaddr at = unit.start; sought && (at = next_start(worker, rules, at, unit.end)) < unit.end;
		 at++) {
		struct view view = view_seek(&worker->views, &chunk, at);

		for (size_t i = 0; i < rules->rules.count; i++) {
			if (!(sought >> i & 1) || try_byte(worker, rules, i, &view, at))
				continue;
			worker->tallies[rules->rules.items[i]].undecided +=
				count_places(worker, rule_of(worker, rules, i), chunk, at);
			sought &= ~(UINT32_C(1) << i);
		}
	}
}
