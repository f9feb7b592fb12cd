#include "analyze/attribute/ledger.h"

#include "analyze/attribute/ended_by.h"
#include "analyze/attribute/packed_rows.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

bool ledger_precedes(const struct findings *findings, const struct hit *a, const struct hit *b)
{
	const struct finding_rule *rule_a = &findings->rules.items[a->rule];
	const struct finding_rule *rule_b = &findings->rules.items[b->rule];

	if (rule_a->priority != rule_b->priority)
		return rule_a->priority > rule_b->priority;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes;
	if (a->start != b->start)
		return a->start < b->start;
	return strcmp(rule_a->id, rule_b->id) < 0;
}

/* Hits that have started and may not have ended, as a binary heap: first the one that precedes. */
struct running {
	const struct findings *findings;
	VEC(const struct hit *) hits;
};

static bool running_precedes(const struct running *running, size_t a, size_t b)
{
	return ledger_precedes(running->findings, running->hits.items[a], running->hits.items[b]);
}

static void running_swap(struct running *running, size_t a, size_t b)
{
	const struct hit *hit = running->hits.items[a];

	running->hits.items[a] = running->hits.items[b];
	running->hits.items[b] = hit;
}

static void running_push(struct running *running, const struct hit *hit)
{
	size_t at = running->hits.count;

	*vec_add(&running->hits) = hit;
	for (; at && running_precedes(running, at, (at - 1) / 2); at = (at - 1) / 2)
		running_swap(running, at, (at - 1) / 2);
}

static void running_pop(struct running *running)
{
	size_t at = 0;

	running->hits.items[0] = running->hits.items[--running->hits.count];
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= running->hits.count)
			return;
		if (child + 1 < running->hits.count && running_precedes(running, child + 1, child))
			child++;
		if (!running_precedes(running, child, at))
			return;
		running_swap(running, child, at);
		at = child;
	}
}

static vaddr hit_end(const struct hit *hit)
{
	return hit->start + hit->bytes;
}

/* The hit that has the byte at `at`, or NULL. Those that ended before it are dropped as they come
 * to the front. */
static const struct hit *running_first(struct running *running, vaddr at)
{
	while (running->hits.count && hit_end(running->hits.items[0]) <= at)
		running_pop(running);
	return running->hits.count ? running->hits.items[0] : NULL;
}

static void attribute(struct ledger *ledger, const struct hit *hit, uint64_t bytes)
{
	struct ledger_rule *rule = &ledger->rules[hit->rule];

	(hit->live ? &rule->live : &rule->stale)->bytes += bytes;
	if (hit->group == HIT_NO_GROUP)
		return;
	ledger->groups[hit->group].bytes += bytes;
	if (hit->live)
		ledger->groups[hit->group].live_bytes += bytes;
}

/* Sweeps over all hits, which are sorted by start. */
static void share_bytes(struct ledger *ledger, const struct findings *findings)
{
	struct running running = { .findings = findings };
	size_t next = 0;
	vaddr at = 0;

	for (;;) {
		const struct hit *first = running_first(&running, at);
		vaddr border;

		if (!first && next == findings->hits.count)
			break;
		if (!first)
			at = findings->hits.items[next].start;
		for (; next < findings->hits.count && findings->hits.items[next].start <= at; next++)
			if (findings->hits.items[next].chunk)
				running_push(&running, &findings->hits.items[next]);
		first = running_first(&running, at);
		if (!first)
			continue;
		border = hit_end(first);
		if (next < findings->hits.count && findings->hits.items[next].start < border)
			border = findings->hits.items[next].start;
		attribute(ledger, first, border - at);
		at = border;
	}
	vec_deinit(&running.hits);
}

/* Hits and distinct chunks: a rule's hits come by address, so a chunk's follow each other. */
static void count_hits(struct ledger *ledger, const struct findings *findings)
{
	vaddr *last = mem_zeroed(findings->rules.count + 1, sizeof *last);

	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];
		struct ledger_rule *rule = &ledger->rules[hit->rule];
		struct report_hits *sum = hit->live ? &rule->live : &rule->stale;

		if (!hit->chunk)
			continue;
		sum->hits += !hit->claimed;
		sum->chunks += last[hit->rule] != hit->chunk;
		last[hit->rule] = hit->chunk;
		if (hit->group != HIT_NO_GROUP)
			ledger->groups[hit->group].hits += !hit->claimed;
	}
	free(last);
}

void ledger_init(struct ledger *ledger, const struct findings *findings)
{
	ledger->rules = mem_zeroed(findings->rules.count + 1, sizeof *ledger->rules);
	ledger->groups = mem_zeroed(findings->groups.count + 1, sizeof *ledger->groups);
	count_hits(ledger, findings);
	share_bytes(ledger, findings);
}

void ledger_deinit(struct ledger *ledger)
{
	free(ledger->rules);
	free(ledger->groups);
	*ledger = (struct ledger){ 0 };
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int compare_groups(const void *a, const void *b)
{
	const struct report_group *x = a, *y = b;
	int order = compare_numbers(x->bytes, y->bytes);

	order = order ? order : compare_numbers(x->hits, y->hits);
	return order ? order : strcmp(x->key, y->key);
}

static int compare_rules(const void *a, const void *b)
{
	const struct report_rule *x = a, *y = b;
	int order = compare_numbers(x->live.bytes, y->live.bytes);

	order = order ? order : compare_numbers(x->stale.bytes, y->stale.bytes);
	order = order ? order : compare_numbers(x->live.hits, y->live.hits);
	return order ? order : strcmp(x->id, y->id);
}

static const char *limit_of(const struct finding_rule *rule)
{
	const struct ended_by *limit = ended_by(rule->tally.given_up);

	return limit ? limit->name : NULL;
}

static struct report_rule_stats stats_of(const struct finding_rule *rule)
{
	return (struct report_rule_stats){
		.cpu_ns = rule->tally.cpu_ns,
		.keywords = rule->tally.keywords,
		.confirms = rule->tally.tried,
		.matched = rule->tally.matched,
		.refused = rule->tally.refused,
		.hits = rule->hits,
		.inside_hits = rule->inside_hits,
		.work = rule->tally.work,
		.undecided = rule->tally.undecided,
		.unsearched_bytes = rule->tally.unsearched,
		.slow = rule->tally.given_up,
	};
}

static void add_rule(const struct ledger *ledger, const struct findings *findings, size_t index,
					 struct pool *pool, struct report_content *content)
{
	const struct finding_rule *rule = &findings->rules.items[index];
	const struct ledger_rule *sums = &ledger->rules[index];

	bool found =
		sums->live.hits || sums->stale.hits || rule->tally.undecided || rule->tally.unsearched;

	if (!found && !content->has_stats)
		return;
	*(found ? vec_add(&content->rules) : vec_add(&content->quiet)) = (struct report_rule){
		.id = pool_string(pool, rule->id),
		.title = pool_string(pool, rule->title),
		.severity = severity_name(rule->severity),
		.confidence = confidence_name(rule->confidence),
		.remediation = pool_string(pool, rule->remediation ? rule->remediation : ""),
		.live = sums->live,
		.stale = sums->stale,
		.undecided = rule->tally.undecided,
		.unsearched_bytes = rule->tally.unsearched,
		.slow = rule->tally.given_up,
		.ended_by = limit_of(rule),
		.stats = stats_of(rule),
	};
}

static void add_groups(const struct ledger *ledger, const struct findings *findings, size_t index,
					   struct pool *pool, struct report_rule *rule)
{
	size_t top =
		findings->rules.items[index].top ? findings->rules.items[index].top : LEDGER_GROUPS;

	for (size_t i = 0; i < findings->groups.count; i++) {
		const struct ledger_group *sums = &ledger->groups[i];

		if (findings->groups.items[i].rule == index && (sums->hits || sums->bytes))
			*vec_add(&rule->groups) = (struct report_group){
				.key = findings->groups.items[i].key,
				.hits = sums->hits,
				.bytes = sums->bytes,
				.live_bytes = sums->live_bytes,
			};
	}
	vec_sort(&rule->groups, compare_groups);
	if (rule->groups.count > top) {
		rule->more_groups = rule->groups.count - top;
		rule->groups.count = top;
	}
	for (size_t i = 0; i < rule->groups.count; i++)
		rule->groups.items[i].key = pool_string(pool, rule->groups.items[i].key);
}

void ledger_report(const struct ledger *ledger, const struct findings *findings, struct pool *pool,
				   struct report_content *content)
{
	content->rules_applied = findings->rules.count;
	content->look_budget = findings->look_budget;
	content->look_spent = findings->look_spent;
	for (size_t i = 0; i < findings->rules.count; i++) {
		size_t before = content->rules.count;

		add_rule(ledger, findings, i, pool, content);
		if (content->rules.count == before)
			continue;
		add_groups(ledger, findings, i, pool, &content->rules.items[before]);
		packed_rows_fill(&content->rules.items[before], findings, i, pool);
	}
	vec_sort(&content->rules, compare_rules);
	vec_sort(&content->quiet, compare_rules);
}
