#include "analyze/content/scan_plan.h"

#include "analyze/rules/byte_set.h"
#include "analyze/rules/prefilter.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Classes of chunk sizes: by 16 bytes up to 16 KiB, then by powers of two. */
enum { FINE_SHIFT = 4, FINE_BITS = 14, FINE = 1 << (FINE_BITS - FINE_SHIFT), CLASSES = FINE + 64 };

static size_t class_of(uint64_t bytes)
{
	if (bytes < 1 << FINE_BITS)
		return (size_t)bytes >> FINE_SHIFT;
	return FINE + (63 - (size_t)__builtin_clzll(bytes)) - FINE_BITS;
}

/* The sizes of a class, both ends included. */
static struct word_range sizes_of(size_t class)
{
	uint64_t least;

	if (class < FINE)
		return (struct word_range){ class << FINE_SHIFT,
									(class << FINE_SHIFT) + (1 << FINE_SHIFT) - 1 };
	if (class - FINE + FINE_BITS > 63)
		return (struct word_range){ UINT64_MAX, 0 };
	least = UINT64_C(1) << (class - FINE + FINE_BITS);
	return (struct word_range){ least, least + (least - 1) };
}

static bool is_by_chunk(const struct rule *rule)
{
	return !rule->confirm ||
		   (!rule->keywords.count && rule->scan.anchor == RULE_ANCHOR_CHUNK_START);
}

/* The byte every match starts with, or -1. */
static int only_start(const uint8_t first[32])
{
	int only = -1;

	for (unsigned byte = 0; byte < 256; byte++)
		if (byte_set_has(first, byte)) {
			if (only >= 0)
				return -1;
			only = (int)byte;
		}
	return only;
}

/* Rules whose matches start with the same byte go together, so that it is searched for once. */
static void add_byte_rule(struct scan_plan *plan, const struct rule *rule, uint32_t index)
{
	const uint8_t *first = confirm_first_bytes(rule->confirm);
	int only = only_start(first);
	struct byte_rules *group;

	for (size_t i = 0; only >= 0 && i < plan->by_byte.count; i++)
		if (plan->by_byte.items[i].only == only &&
			plan->by_byte.items[i].rules.count < BYTE_RULES) {
			*vec_add(&plan->by_byte.items[i].rules) = index;
			return;
		}
	group = vec_add(&plan->by_byte);
	*group = (struct byte_rules){ .only = only, .first = first };
	*vec_add(&group->rules) = index;
}

static void add_chunk_rule(struct scan_plan *plan, const struct rule *rule, uint32_t index,
						   unsigned pointer)
{
	struct chunk_rule *row = vec_add(&plan->by_chunk);

	*row = (struct chunk_rule){ .rule = index };
	if (rule->confirm) {
		row->first = confirm_first_bytes(rule->confirm);
	} else {
		row->anywhere = rule->scan.anchor == RULE_ANCHOR_ANY;
		row->probe = probe_of(&rule->structure, pointer, rule->scan.sizes.max);
	}
}

static void add_keyword_rule(struct scan_plan *plan, const struct rule *rule)
{
	plan->by_keyword = true;
	if (rule->lead_max > plan->reach)
		plan->reach = rule->lead_max;
}

static bool looks_into(const struct rule *rule, size_t state, struct word_range sizes)
{
	return rule->scan.states >> state & 1 && rule->scan.sizes.min <= sizes.max &&
		   rule->scan.sizes.max >= sizes.min;
}

/* The rules of one slot, appended; neighbours with the same ones share them. */
static void fill_slot(struct scan_plan *plan, const struct rule_set *rules, size_t state,
					  size_t class)
{
	struct plan_slot *slot = &plan->slots[state * CLASSES + class];
	struct word_range sizes = sizes_of(class);

	slot->from = (uint32_t)plan->lists.count;
	for (size_t i = 0; i < plan->by_chunk.count; i++)
		if (looks_into(&rules->rules.items[plan->by_chunk.items[i].rule], state, sizes))
			*vec_add(&plan->lists) = (uint32_t)i;
	slot->count = (uint32_t)plan->lists.count - slot->from;
	if (class && slot->count == slot[-1].count &&
		(!slot->count || !memcmp(plan->lists.items + slot->from, plan->lists.items + slot[-1].from,
								 slot->count * sizeof *plan->lists.items))) {
		plan->lists.count = slot->from;
		slot->from = slot[-1].from;
	}
}

void scan_plan_init(struct scan_plan *plan, const struct rule_set *rules, const bool *applies,
					bool brute, unsigned pointer)
{
	*plan = (struct scan_plan){ 0 };
	for (uint32_t i = 0; i < rules->rules.count; i++) {
		const struct rule *rule = &rules->rules.items[i];

		if (!applies[i])
			continue;
		if (is_by_chunk(rule))
			add_chunk_rule(plan, rule, i, pointer);
		else if (!rule->keywords.count || brute)
			add_byte_rule(plan, rule, i);
		else
			add_keyword_rule(plan, rule);
	}
	plan->reach += prefilter_longest(rules->prefilter);
	plan->slots = mem_zeroed((size_t)CHUNK_STATES * CLASSES, sizeof *plan->slots);
	for (size_t state = 0; state < CHUNK_STATES; state++)
		for (size_t class = 0; class < CLASSES; class ++)
			fill_slot(plan, rules, state, class);
}

void scan_plan_deinit(struct scan_plan *plan)
{
	for (size_t i = 0; i < plan->by_byte.count; i++)
		vec_deinit(&plan->by_byte.items[i].rules);
	vec_deinit(&plan->by_byte);
	vec_deinit(&plan->by_chunk);
	vec_deinit(&plan->lists);
	free(plan->slots);
}

struct chunk_rules scan_plan_find(const struct scan_plan *plan, const struct chunk *chunk)
{
	const struct plan_slot *slot = &plan->slots[chunk->state * CLASSES + class_of(chunk->bytes)];

	return (struct chunk_rules){ plan->lists.items + slot->from, slot->count };
}
