#include "analyze/content/join.h"

#include "analyze/content/source.h"
#include "analyze/rules/confirm.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { UNSET = UINT32_MAX - 1 };

/* Per rule of the set. */
struct joined_rule {
	uint32_t index; /* in findings->rules */
	vaddr chunk;    /* of the last hit taken */
	vaddr end;      /* its end: later hits in the chunk start behind it */
	uint32_t groups;
	uint32_t others;                    /* the group of keys beyond max_keys, or UNSET */
	const struct content_kind *content; /* of a structure's window, or NULL */
};

struct join {
	const struct rule_set *set;
	const bool *applies; /* per rule of the set */
	struct findings *findings;
	struct join_limits limits;
	atomic_bool *given_up; /* per rule of the set */
	struct joined_rule *rules;
	struct span_index keys;   /* heads and texts, as units make them */
	VEC(uint32_t) groups;     /* per entry of keys: index in findings->groups */
	struct span_index hidden; /* values that may not be seen, across rules */
	struct sources sources;
};

/* A rule file's text on one line, safe to print. */
static const char *safe_text(struct pool *pool, const char *text)
{
	struct strbuf line = { 0 }, out = { 0 };
	const char *kept;

	for (; *text; text++) {
		bool blank = *text == ' ' || *text == '\n' || *text == '\t' || *text == '\r';

		if (!blank)
			strbuf_putc(&line, *text);
		else if (line.size && line.data[line.size - 1] != ' ')
			strbuf_putc(&line, ' ');
	}
	if (line.size && line.data[line.size - 1] == ' ')
		line.size--;
	text_escape(strbuf_span(&line), &out);
	kept = pool_string(pool, strbuf_text(&out));
	strbuf_deinit(&line);
	strbuf_deinit(&out);
	return kept;
}

static void add_rule(struct findings *findings, const struct rule *rule)
{
	struct pool *pool = &findings->pool;

	*vec_add(&findings->rules) = (struct finding_rule){
		.id = pool_string(pool, rule->id),
		.title = safe_text(pool, rule->title),
		.description = safe_text(pool, rule->description ? rule->description : ""),
		.remediation = safe_text(pool, rule->remediation ? rule->remediation : ""),
		.severity = rule->severity,
		.confidence = rule->confidence,
		.priority = (int)rule->priority,
		.top = rule->aggregate.top,
	};
}

struct join *join_create(const struct rule_set *rules, const bool *applies,
						 struct join_limits limits, atomic_bool *given_up,
						 struct findings *findings)
{
	struct join *join = mem_zeroed(1, sizeof *join);

	join->set = rules;
	join->applies = applies;
	join->findings = findings;
	join->limits = limits;
	join->given_up = given_up;
	join->rules = mem_zeroed(rules->rules.count, sizeof *join->rules);
	join->sources.dropped = mem_zeroed(rules->rules.count, sizeof *join->sources.dropped);
	for (size_t i = 0; i < rules->rules.count; i++) {
		join->rules[i] =
			(struct joined_rule){ .index = (uint32_t)findings->rules.count, .others = UNSET };
		join->rules[i].content = structure_content(&rules->rules.items[i].structure);
		if (applies[i])
			add_rule(findings, &rules->rules.items[i]);
	}
	return join;
}

void join_destroy(struct join *join)
{
	if (!join)
		return;
	free(join->rules);
	span_index_deinit(&join->keys);
	vec_deinit(&join->groups);
	span_index_deinit(&join->hidden);
	vec_deinit(&join->sources.items);
	free(join->sources.dropped);
	free(join);
}

static uint32_t add_group(struct join *join, struct joined_rule *rule, const char *key)
{
	*vec_add(&join->findings->groups) = (struct finding_group){ rule->index, key };
	rule->groups++;
	return (uint32_t)join->findings->groups.count - 1;
}

static uint32_t others_of(struct join *join, struct joined_rule *rule)
{
	if (rule->others == UNSET)
		rule->others = add_group(join, rule, AGGREGATE_OTHERS);
	return rule->others;
}

struct sources *join_sources(struct join *join)
{
	return &join->sources;
}

uint32_t join_rule(const struct join *join, uint32_t rule)
{
	return join->rules[rule].index;
}

const char *join_shown(struct join *join, struct span key)
{
	struct raw_key_head head;
	struct span text = span_part(key, sizeof head, key.size);

	memcpy(&head, key.data, sizeof head);
	if (!head.hidden)
		return pool_span(&join->findings->pool, text);
	return pool_printf(&join->findings->pool, "hidden #%u",
					   span_index_add(&join->hidden, text) + 1);
}

/* The group of a key a unit made; a new one as long as its rule may have more. */
static uint32_t group_of(struct join *join, struct span key)
{
	struct raw_key_head head;
	struct joined_rule *rule;
	uint32_t number = span_index_find(&join->keys, key);
	if (number != SPAN_INDEX_NONE)
		return join->groups.items[number];
	memcpy(&head, key.data, sizeof head);
	rule = &join->rules[head.rule];
	if (rule->groups >= join->set->rules.items[head.rule].aggregate.max_keys)
		return others_of(join, rule);
	span_index_add(&join->keys, key);
	number = add_group(join, rule, join_shown(join, key));
	*vec_add(&join->groups) = number;
	return number;
}

void join_name(struct join *join, const struct source *source, struct span key)
{
	uint32_t group = group_of(join, key);

	for (uint32_t i = 0; i < source->hits; i++)
		join->findings->hits.items[source->hit + i].group = group;
}

static void add_source(struct join *join, struct source source)
{
	struct sources *sources = &join->sources;

	if (sources->items.count < SOURCES_MAX)
		*vec_add(&sources->items) = source;
	else
		sources->dropped[source.rule]++;
}

/* Where the hit whose first index is `first` has content of its own to look into. */
static void add_sources(struct join *join, const struct unit_result *result,
						const struct raw_hit *raw, size_t first)
{
	struct source source = {
		.structure = raw->at,
		.content = join->rules[raw->rule].content,
		.format = raw->packed,
		.rule = raw->rule,
		.hit = (uint32_t)first,
		.hits = (uint32_t)(join->findings->hits.count - first),
		.live = chunk_is_live(raw->chunk.state),
	};

	if (source.format)
		source.at = raw->at + raw->packed_at;
	for (uint32_t i = 0; i < raw->claims; i++)
		if (result->claims.items[raw->first_claim + i].content)
			source.at = result->claims.items[raw->first_claim + i].pointer;
	if (source.format || source.content)
		add_source(join, source);
}

static struct finding_rule *finding_of(struct join *join, uint32_t rule)
{
	return &join->findings->rules.items[join->rules[rule].index];
}

static void add_claims(struct join *join, const struct unit_result *result,
					   const struct raw_hit *raw, const struct hit *parent)
{
	for (uint32_t i = 0; i < raw->claims; i++) {
		const struct structure_claim *claim = &result->claims.items[raw->first_claim + i];

		*vec_add(&join->findings->hits) = (struct hit){
			.start = claim->start,
			.bytes = claim->bytes,
			.chunk = claim->chunk.address,
			.chunk_bytes = claim->chunk.bytes,
			.rule = parent->rule,
			.group = parent->group,
			.live = chunk_is_live(claim->chunk.state),
			.claimed = true,
		};
	}
}

static void add_hit(struct join *join, const struct unit_result *result, const struct raw_hit *raw,
					uint32_t group)
{
	const struct rule *rule = &join->set->rules.items[raw->rule];
	struct joined_rule *joined = &join->rules[raw->rule];
	vaddr chunk_end = raw->chunk.address + raw->chunk.bytes;
	bool whole = rule->extent == RULE_EXTENT_CHUNK;
	size_t first = join->findings->hits.count;
	struct hit hit = {
		.start = whole ? raw->chunk.address : raw->at,
		.chunk = raw->chunk.address,
		.chunk_bytes = raw->chunk.bytes,
		.rule = joined->index,
		.group = group,
		.live = chunk_is_live(raw->chunk.state),
	};

	hit.bytes = whole                              ? raw->chunk.bytes
				: raw->bytes > chunk_end - raw->at ? chunk_end - raw->at
												   : raw->bytes;
	joined->chunk = raw->chunk.address;
	joined->end = whole ? chunk_end : raw->at + raw->bytes;
	*vec_add(&join->findings->hits) = hit;
	finding_of(join, raw->rule)->hits++;
	add_claims(join, result, raw, &hit);
	add_sources(join, result, raw, first);
}

/* Of a rule that is given up nothing counts any more, whatever a unit has found by then. */
static void add_tally(struct join *join, const struct unit_tally *unit)
{
	if (atomic_load(&join->given_up[unit->rule]))
		return;
	rule_tally_add(&finding_of(join, unit->rule)->tally, &unit->tally);
}

vaddr join_end(const struct join *join, uint32_t rule, vaddr chunk)
{
	const struct joined_rule *joined = &join->rules[rule];

	return joined->chunk == chunk && !atomic_load(&join->given_up[rule]) ? joined->end : 0;
}

static bool takes(struct join *join, const struct raw_hit *raw)
{
	const struct joined_rule *rule = &join->rules[raw->rule];

	if (atomic_load_explicit(&join->given_up[raw->rule], memory_order_relaxed) ||
		(rule->chunk == raw->chunk.address && raw->at < rule->end))
		return false;
	if (join->findings->hits.count < join->limits.hits)
		return true;
	finding_of(join, raw->rule)->tally.undecided++;
	return false;
}

void join_searched(struct join *join, uint64_t bytes)
{
	struct rule_tally left = { .unsearched = bytes, .given_up = bytes ? GIVEN_UP_STRIKES : 0 };

	for (uint32_t i = 0; i < join->set->rules.count; i++) {
		if (!join->applies[i])
			continue;
		if (atomic_load(&join->given_up[i]))
			rule_tally_add(&finding_of(join, i)->tally, &left);
		else if (finding_of(join, i)->tally.strain / CONFIRM_STRAIN > join->limits.strikes)
			atomic_store(&join->given_up[i], true);
	}
}

void join_unit(struct join *join, const struct unit_result *result)
{
	size_t keys = result->keys.items.count;
	uint32_t *groups = mem_zeroed(keys, sizeof *groups);

	for (size_t i = 0; i < result->tallies.count; i++)
		add_tally(join, &result->tallies.items[i]);
	for (size_t i = 0; i < keys; i++)
		groups[i] = UNSET;
	for (size_t i = 0; i < result->hits.count; i++) {
		const struct raw_hit *raw = &result->hits.items[i];

		if (!takes(join, raw))
			continue;
		if (raw->key != RAW_NO_KEY && groups[raw->key] == UNSET)
			groups[raw->key] = group_of(join, result->keys.items.items[raw->key]);
		add_hit(join, result, raw, raw->key == RAW_NO_KEY ? HIT_NO_GROUP : groups[raw->key]);
	}
	free(groups);
	join_searched(join, result->bytes);
}

static bool same_claim(const struct hit *a, const struct hit *b)
{
	return b->claimed && a->claimed && a->start == b->start && a->rule == b->rule;
}

/* Two structures may claim the same bytes; the first by group order stays. */
static void drop_repeated_claims(struct findings *findings)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->hits.count; i++) {
		if (kept && same_claim(&findings->hits.items[kept - 1], &findings->hits.items[i]))
			continue;
		findings->hits.items[kept++] = findings->hits.items[i];
	}
	findings->hits.count = kept;
}

void join_finish(struct join *join)
{
	findings_sort_hits(join->findings);
	drop_repeated_claims(join->findings);
}
