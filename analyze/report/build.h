/* build: joins the tables of all stages into the report. */
#ifndef ANALYZE_REPORT_BUILD_H
#define ANALYZE_REPORT_BUILD_H

#include "analyze/content/findings.h"
#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/image.h"
#include "analyze/memory/owners.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"
#include "base/progress.h"

/* What a report is made of. Nothing is owned, nothing is changed. */
struct build_input {
	const char *tool_version; /* "0.1.0" */
	const char *command;      /* the command line, as typed */
	const char *path;         /* of the core, as given */
	const struct core *core;
	const struct image *image;
	const struct regions *regions;
	const struct owners *owners;
	const struct heap *heap;
	const struct findings *findings;
	const struct anomalies *anomalies;
	unsigned workers;
	bool rule_stats;           /* what each rule cost: on demand */
	bool references;           /* who holds the live chunks: on demand */
	struct progress *progress; /* of that */
};

/* Fills a zeroed report; every string in it is a copy or a constant, so the tables may go. The
 * caller ends with report_deinit. */
void build_report(struct report *report, const struct build_input *input);

#endif
