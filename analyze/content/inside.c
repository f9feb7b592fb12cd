#include "analyze/content/inside.h"

#include "analyze/rules/aggregate.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NO_GROUP UINT32_MAX

/* Beside each entry of findings->inside. */
struct pair {
	uint32_t groups, others; /* the number of those with a key; the one of the rest, or NO_GROUP */
};

struct inside {
	const struct rule_set *set;
	struct join *join;
	struct findings *findings;
	struct span_index index; /* of the pairs, by outer and rule */
	VEC(struct pair) pairs;
	struct span_index keys; /* pair, then the key */
	VEC(uint32_t) groups;   /* per key */
	struct strbuf buffer;
};

struct inside *inside_create(const struct rule_set *set, struct join *join,
							 struct findings *findings)
{
	struct inside *inside = mem_zeroed(1, sizeof *inside);

	inside->set = set;
	inside->join = join;
	inside->findings = findings;
	return inside;
}

void inside_destroy(struct inside *inside)
{
	if (!inside)
		return;
	span_index_deinit(&inside->index);
	vec_deinit(&inside->pairs);
	span_index_deinit(&inside->keys);
	vec_deinit(&inside->groups);
	strbuf_deinit(&inside->buffer);
	free(inside);
}

static uint32_t pair_of(struct inside *inside, uint32_t outer, uint32_t rule)
{
	const uint32_t key[2] = { outer, rule };
	uint32_t number = span_index_add(&inside->index, span_make(key, sizeof key));

	if (number == inside->pairs.count) {
		*vec_add(&inside->pairs) = (struct pair){ .others = NO_GROUP };
		*vec_add(&inside->findings->inside) = (struct finding_inside){
			.outer = join_rule(inside->join, outer),
			.rule = join_rule(inside->join, rule),
		};
	}
	return number;
}

static uint32_t add_group(struct inside *inside, uint32_t pair, const char *key)
{
	*vec_add(&inside->findings->inside_groups) = (struct finding_inside_group){ pair, key, 0, 0 };
	return (uint32_t)inside->findings->inside_groups.count - 1;
}

static uint32_t others_of(struct inside *inside, uint32_t pair)
{
	if (inside->pairs.items[pair].others == NO_GROUP) {
		uint32_t group = add_group(inside, pair, AGGREGATE_OTHERS);

		inside->pairs.items[pair].others = group;
	}
	return inside->pairs.items[pair].others;
}

static uint32_t group_of(struct inside *inside, uint32_t pair, uint32_t most, struct span key)
{
	uint32_t number, group;
	struct span full;

	strbuf_clear(&inside->buffer);
	strbuf_add(&inside->buffer, &pair, sizeof pair);
	strbuf_add(&inside->buffer, key.data, key.size);
	full = strbuf_span(&inside->buffer);
	number = span_index_find(&inside->keys, full);
	if (number != SPAN_INDEX_NONE)
		return inside->groups.items[number];
	if (inside->pairs.items[pair].groups >= most || inside->groups.count >= INSIDE_KEYS)
		return others_of(inside, pair);
	span_index_add(&inside->keys, full);
	group = add_group(inside, pair, join_shown(inside->join, key));
	inside->pairs.items[pair].groups++;
	*vec_add(&inside->groups) = group;
	return group;
}

static void add_to_group(struct inside *inside, uint32_t group, uint64_t hits, bool live)
{
	struct finding_inside_group *sums = &inside->findings->inside_groups.items[group];

	sums->hits += hits;
	sums->live_hits += live ? hits : 0;
}

static void add_row(struct inside *inside, const struct source *source, const struct text_row *row)
{
	uint32_t pair;
	struct finding_inside *sums;
	struct finding_rule *rule;

	rule = &inside->findings->rules.items[join_rule(inside->join, row->rule)];
	rule_tally_add(&rule->tally, &row->tally);
	rule->inside_hits += row->hits;
	if (!row->hits)
		return;
	pair = pair_of(inside, source->rule, row->rule);
	sums = &inside->findings->inside.items[pair];
	sums->streams++;
	sums->hits += row->hits;
	sums->live_hits += source->live ? row->hits : 0;
	sums->bytes += row->bytes;
	if (row->other_hits)
		add_to_group(inside, others_of(inside, pair), row->other_hits, source->live);
}

static void add_key(struct inside *inside, const struct source *source, struct span key,
					uint64_t hits)
{
	struct raw_key_head head;
	uint32_t pair, group;

	memcpy(&head, key.data, sizeof head);
	pair = pair_of(inside, source->rule, head.rule);
	group = group_of(inside, pair, inside->set->rules.items[head.rule].aggregate.max_keys, key);
	add_to_group(inside, group, hits, source->live);
}

static void add_packed(struct inside *inside, const struct source *source, const struct look *look)
{
	struct finding_packed *packed =
		&inside->findings->rules.items[join_rule(inside->join, source->rule)].packed;

	packed->streams++;
	packed->live_streams += source->live;
	packed->nested += look->streams - 1;
	packed->packed_bytes += look->read;
	packed->inflated_bytes += look->made;
	packed->broken += look->ends[INFLATE_BROKEN];
	packed->cut_short += look->ends[INFLATE_SHORT];
	packed->too_long += look->ends[INFLATE_FULL];
	packed->over_budget += look->left;
	packed->too_deep += look->too_deep;
}

void inside_add(struct inside *inside, const struct source *source, const struct look *look)
{
	add_packed(inside, source, look);
	for (size_t i = 0; i < look->found.rows.count; i++)
		add_row(inside, source, &look->found.rows.items[i]);
	for (size_t i = 0; i < look->found.keys.items.count; i++)
		add_key(inside, source, look->found.keys.items.items[i], look->found.key_hits.items[i]);
	if (look->name.items.count)
		join_name(inside->join, source, look->name.items.items[0]);
}
