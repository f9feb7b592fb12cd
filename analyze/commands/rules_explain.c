#include "analyze/commands/commands.h"

#include "analyze/attribute/ledger.h"
#include "analyze/commands/setup.h"
#include "analyze/author/explain_text.h"
#include "analyze/content/chunk_scan.h"
#include "analyze/output.h"
#include "analyze/pipeline.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool overlap(const struct hit *a, const struct hit *b)
{
	return a->start < b->start + b->bytes && b->start < a->start + a->bytes;
}

/* Hits of other rules over this one's bytes. Hits are by start, and none reaches beyond its chunk.
 */
static void add_rivals(struct explain_report *report, const struct findings *findings,
					   const struct hit *own)
{
	vaddr payload = report->explain->chunk.address + report->explain->header_bytes;

	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *other = &findings->hits.items[i];

		if (other->chunk != own->chunk || other->rule == own->rule || !overlap(own, other))
			continue;
		*vec_add(&report->rivals) = (struct explain_rival){
			.rule = findings->rules.items[other->rule].id,
			.hit = own->start > payload ? own->start - payload : 0,
			.at = other->start > payload ? other->start - payload : 0,
			.bytes = other->bytes,
			.wins = ledger_precedes(findings, other, own),
		};
	}
}

/* What a scan finds of the rule in this chunk. */
static void add_findings(struct explain_report *report, const struct findings *findings)
{
	const struct explain *explain = report->explain;

	for (size_t i = 0; i < findings->rules.count; i++)
		if (strcmp(findings->rules.items[i].id, explain->rule->id) == 0)
			report->unsearched = findings->rules.items[i].tally.unsearched;
	for (size_t i = 0; i < findings->hits.count; i++) {
		const struct hit *hit = &findings->hits.items[i];

		if (strcmp(findings->rules.items[hit->rule].id, explain->rule->id) != 0)
			continue;
		if (hit->claimed)
			report->claimed += hit->bytes;
		else
			add_rivals(report, findings, hit);
	}
}

/* The rule in the chunk first; then what it shares the chunk with, whose names are the findings'.
 */
static bool fill_report(struct explain_report *report, struct findings *findings,
						struct explain *explain, const struct explain_input *input,
						const struct page_map *page_map, vaddr address, struct progress *progress,
						unsigned workers, struct err *err)
{
	if (!explain_fill(explain, input, address, err) ||
		!chunk_scan(findings, input->rules, &input->tables, page_map, &explain->chunk, workers,
					progress, err))
		return false;
	add_findings(report, findings);
	return true;
}

static enum exit_status explain_one(const struct pipeline *pipeline, const struct rule_set *set,
									uint32_t rule, vaddr address, const struct options *options,
									struct progress *progress, struct err *err)
{
	const struct page_map *page_map = pipeline->core.has_page_map ? &pipeline->core.page_map : NULL;
	struct explain explain = { 0 };
	struct runs runs;
	struct explain_input input = {
		.rules = set,
		.rule = rule,
		.tables = { &pipeline->image, &pipeline->regions, &pipeline->heap.chunks },
		.runs = &runs,
	};
	struct explain_report report = {
		.explain = &explain,
		.tables = &input.tables,
		.rows = options->limit,
	};
	enum exit_status status = EXIT_FAILED;
	struct findings findings = { 0 };
	struct strbuf out = { 0 };

	runs_init(&runs, &pipeline->image, &pipeline->heap.chunks, page_map, UNIT_BYTES);
	if (fill_report(&report, &findings, &explain, &input, page_map, address, progress,
					setup_workers(options), err)) {
		if (options->json)
			explain_json(&report, &out);
		else
			explain_text(&report, &out);
		if (output_write(NULL, strbuf_span(&out), err) && explain.verdict == EXPLAIN_HIT)
			status = EXIT_COMPLETE;
	} else if (err->kind == ERR_NOT_FOUND) {
		err_hint(err, "`analyze show FILE ADDRESS` says what is there");
	}
	strbuf_deinit(&out);
	vec_deinit(&report.rivals);
	findings_deinit(&findings);
	explain_deinit(&explain);
	runs_deinit(&runs);
	return status;
}

enum exit_status command_rules_explain(const struct options *options, struct err *err)
{
	enum exit_status status = EXIT_FAILED;
	struct setup_rules rules;
	struct pipeline pipeline;
	struct progress progress;
	vaddr address = 0;
	uint32_t rule = 0;

	if (!setup_address(options->operands.items[1], &address, err))
		return EXIT_USAGE;
	setup_progress(&progress, options);
	if (setup_rules_of(&rules, options, err)) {
		if (!rules.set)
			err_set(err, ERR_USAGE, "there are no rules to explain; --rules PATH names them");
		if (!rules.set || !setup_find_rule(&rules, options->operands.items[2], &rule, err)) {
			setup_rules_deinit(&rules);
			return EXIT_USAGE;
		}
		if (pipeline_run(&pipeline, options->operands.items[0], NULL, setup_workers(options),
						 &progress, err))
			status = explain_one(&pipeline, rules.set, rule, address, options, &progress, err);
		pipeline_deinit(&pipeline);
	}
	setup_rules_deinit(&rules);
	return status;
}
