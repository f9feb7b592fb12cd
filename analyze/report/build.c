#include "analyze/report/build.h"

#include "analyze/attribute/buckets.h"
#include "analyze/attribute/clusters.h"
#include "analyze/attribute/diagnosis.h"
#include "analyze/attribute/evidence.h"
#include "analyze/attribute/heap_summary.h"
#include "analyze/attribute/ledger.h"
#include "analyze/attribute/names.h"
#include "analyze/attribute/owner_rows.h"
#include "analyze/attribute/pins.h"
#include "analyze/attribute/reach.h"
#include "analyze/attribute/references.h"
#include "analyze/attribute/size_classes.h"
#include "analyze/attribute/stacks.h"
#include "analyze/attribute/suspects.h"
#include "analyze/attribute/unseen.h"
#include "analyze/attribute/verdict.h"

static void fill_content(struct report *report, const struct build_input *input)
{
	struct ledger ledger;

	ledger_init(&ledger, input->findings);
	report->content.has_stats = input->rule_stats;
	ledger_report(&ledger, input->findings, &report->pool, &report->content);
	ledger_deinit(&ledger);
	clusters_fill(&report->content, &input->heap->chunks, input->findings, input->image,
				  input->regions, input->workers, &report->pool);
}

static void fill_anomalies(struct report *report, const struct anomalies *anomalies)
{
	for (size_t i = 0; i < anomalies->rows.count; i++)
		*vec_add(&report->anomalies) = (struct report_anomaly){
			.address = anomalies->rows.items[i].address,
			.what = names_safe(anomalies->rows.items[i].what, &report->pool),
		};
	report->anomalies_dropped = anomalies->dropped;
}

static void fill_references(struct report *report, const struct build_input *input)
{
	struct report_references *references = &report->references;
	struct roots roots;
	struct reach reach;

	roots_init(&roots, input->core, input->regions, input->heap);
	reach_init(&reach, input->core, input->image, &roots, &input->heap->chunks, input->workers,
			   input->progress);
	references_fill(references, &reach, input->findings, input->workers, input->image->word < 8,
					&report->pool);
	unseen_describe(input->core, input->image, input->regions, input->heap, &roots, &report->pool,
					&references->missing);
	references->upper_bound = references->missing.count > 0;
	reach_deinit(&reach);
	roots_deinit(&roots);
}

void build_report(struct report *report, const struct build_input *input)
{
	const struct core *core = input->core;
	struct diagnosis_facts facts = {
		.is_java = input->regions->is_java,
		.is_torn = core_is_torn(core),
		.no_roots = !evidence_has_roots(core, input->image, input->regions),
		.is_32_bit = core->word == 4,
		.threads = core->threads.count,
	};

	report->tool_version = pool_string(&report->pool, input->tool_version);
	report->command = names_safe(input->command, &report->pool);
	evidence_fill(&report->evidence, input->path, core, input->regions, input->heap,
				  input->findings, &report->pool);
	buckets_fill(&report->memory, core, input->image, input->regions, input->owners, input->heap,
				 &report->pool);
	evidence_miss_residual(report, core);
	stacks_fill(&report->memory, core, input->regions, &report->pool);
	heap_summary_fill(&report->heap, input->heap, core, &report->pool);
	report->heap.replaced = owner_rows_replaced(report, input->heap, !facts.no_roots);
	pins_fill(&report->heap, input->heap, input->findings,
			  core->has_page_map ? &core->page_map : NULL, input->workers, &report->pool);
	size_classes_fill(&report->heap, &input->heap->chunks, input->workers);
	fill_content(report, input);
	if (input->references && input->heap->found)
		fill_references(report, input);
	fill_anomalies(report, input->anomalies);
	suspects_fill(report, input->regions, input->heap);
	diagnosis_fill(report, &facts);
	verdict_fill(report);
}
