#include "analyze/content/chunk_scan.h"

#include "analyze/content/scan.h"
#include "analyze/rules/rule.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <string.h>

/* Leaves the hits of the chunk only, its own or those from elsewhere. */
static void keep_hits(struct findings *findings, const struct chunk *chunk, bool claimed)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->hits.count; i++) {
		struct hit hit = findings->hits.items[i];

		hit.group = HIT_NO_GROUP;
		if (hit.chunk == chunk->address && hit.claimed == claimed)
			findings->hits.items[kept++] = hit;
	}
	findings->hits.count = kept;
}

/* Rules that apply are in the findings of either scan, by the order of the set. */
static uint32_t index_of(const struct findings *findings, const char *id)
{
	uint32_t index = 0;

	while (strcmp(findings->rules.items[index].id, id) != 0)
		index++;
	return index;
}

static void add_claims(struct findings *findings, const struct findings *claims)
{
	for (size_t i = 0; i < claims->hits.count; i++) {
		struct hit hit = claims->hits.items[i];

		hit.rule = index_of(findings, claims->rules.items[hit.rule].id);
		*vec_add(&findings->hits) = hit;
	}
	findings_sort_hits(findings);
}

/* The rules that could claim the chunk; false where none could. */
static bool find_claimers(const struct rule_set *rules, const struct chunk *chunk, bool *wanted)
{
	bool any = false;

	for (size_t i = 0; i < rules->rules.count; i++) {
		wanted[i] = structure_may_claim(&rules->rules.items[i].structure, chunk);
		any |= wanted[i];
	}
	return any;
}

bool chunk_scan(struct findings *findings, const struct rule_set *rules,
				const struct structure_tables *tables, const struct page_map *page_map,
				const struct chunk *chunk, unsigned workers, struct progress *progress,
				struct err *err)
{
	AUTO_FREE bool *claimers = mem_zeroed(rules->rules.count, sizeof *claimers);
	struct scan_part own = { { chunk->address, chunk->address + chunk->bytes }, NULL, 0, 0 },
					 all = { { 0, UINT64_MAX }, claimers, 0, 0 };
	struct findings claims;
	bool good = content_scan_part(findings, rules, tables->image, tables->regions, tables->chunks,
								  page_map, &own, 1, NULL, err);

	keep_hits(findings, chunk, false);
	if (!good || !find_claimers(rules, chunk, claimers))
		return good;
	good = content_scan_part(&claims, rules, tables->image, tables->regions, tables->chunks,
							 page_map, &all, workers, progress, err);
	keep_hits(&claims, chunk, true);
	add_claims(findings, &claims);
	findings_deinit(&claims);
	return good;
}
