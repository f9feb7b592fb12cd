#include "analyze/content/resume.h"

#include "analyze/content/unit_worker.h"
#include "base/mem.h"

#include <stdlib.h>

/* Per rule. */
struct resumed {
	vaddr *from;     /* where to go on; 0: nowhere */
	uint64_t *spent; /* CPU that the first search took */
};

/* Does the end of a match of an earlier unit lie inside of this one's hit? Behind it the rest of
 * the hit was not searched. */
static bool is_cut(const struct raw_hit *hit, vaddr end, const struct unit *unit)
{
	return hit->at < end && end < hit->at + hit->bytes && end < unit->range.end;
}

/* Structures are tried at every place. */
static bool find_cut_hits(const struct join *join, const struct rule_set *set,
						  const struct unit *unit, const struct unit_result *result, vaddr *from)
{
	bool any = false;

	for (size_t i = 0; i < result->hits.count; i++) {
		const struct raw_hit *hit = &result->hits.items[i];
		vaddr end = join_end(join, hit->rule, hit->chunk.address);

		if (hit->chunk.address >= unit->range.start)
			break;
		if (!set->rules.items[hit->rule].confirm || !is_cut(hit, end, unit))
			continue;
		from[hit->rule] = end;
		any = true;
	}
	return any;
}

/* Rules that a limit ended in the unit, maybe by starts that do not count. */
static bool find_ended(const struct join *join, const struct unit *unit, vaddr chunk,
					   const struct unit_result *result, vaddr *from)
{
	bool any = false;

	for (size_t i = 0; i < result->tallies.count; i++) {
		const struct unit_tally *ended = &result->tallies.items[i];
		vaddr end = join_end(join, ended->rule, chunk);

		if (!(ended->tally.given_up & (GIVEN_UP_STRIKES | GIVEN_UP_WORK)) ||
			end <= unit->range.start)
			continue;
		from[ended->rule] = end;
		any = true;
	}
	return any;
}

/* Drops what the first search found. */
static void drop(struct unit_result *result, const struct resumed *resumed)
{
	size_t hits = 0, tallies = 0;

	for (size_t i = 0; i < result->hits.count; i++)
		if (!resumed->from[result->hits.items[i].rule])
			result->hits.items[hits++] = result->hits.items[i];
	for (size_t i = 0; i < result->tallies.count; i++) {
		const struct unit_tally *unit = &result->tallies.items[i];

		if (!resumed->from[unit->rule])
			result->tallies.items[tallies++] = *unit;
		else
			resumed->spent[unit->rule] = unit->tally.cpu_ns;
	}
	result->hits.count = hits;
	result->tallies.count = tallies;
}

static bool search_again(struct unit_worker *worker, const struct unit *unit,
						 const struct resumed *resumed, struct unit_result *result)
{
	bool good;

	drop(result, resumed);
	good = unit_scan_again(worker, unit, resumed->from, result);
	for (size_t i = 0; i < result->tallies.count; i++)
		result->tallies.items[i].tally.cpu_ns += resumed->spent[result->tallies.items[i].rule];
	return good;
}

bool resume_unit(const struct join *join, struct unit_worker *worker, const struct unit *unit,
				 struct unit_result *result)
{
	const struct unit_tables *shared = worker->shared;
	const struct rule_set *set = shared->rules;
	vaddr chunk = runs_first_chunk(shared->runs, shared->tables.chunks, unit);
	struct resumed resumed;
	bool any, good;

	if (chunk >= unit->range.start)
		return true;
	resumed.from = mem_zeroed(set->rules.count, sizeof *resumed.from);
	resumed.spent = mem_zeroed(set->rules.count, sizeof *resumed.spent);
	any = find_cut_hits(join, set, unit, result, resumed.from);
	any |= find_ended(join, unit, chunk, result, resumed.from);
	good = !any || search_again(worker, unit, &resumed, result);
	free(resumed.from);
	free(resumed.spent);
	return good;
}
