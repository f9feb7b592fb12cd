/* pipeline: every stage from the file to the tables that a report or a list is made of. The table
 * of contents of the program. */
#ifndef ANALYZE_PIPELINE_H
#define ANALYZE_PIPELINE_H

#include "analyze/content/findings.h"
#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/anomaly.h"
#include "analyze/memory/image.h"
#include "analyze/memory/owners.h"
#include "analyze/memory/regions.h"
#include "base/err.h"
#include "base/progress.h"

struct rule_set; /* analyze/rules/rule_set.h */

struct pipeline {
	struct core core;
	struct image image;
	struct regions regions;
	struct owners owners;
	struct heap heap;
	struct findings findings;
	struct anomalies anomalies;
};

/* Opens the file and runs every stage over it. `rules` NULL: the content is not looked at. The
 * caller ends with pipeline_deinit in every case. */
bool pipeline_run(struct pipeline *pipeline, const char *path, const struct rule_set *rules,
				  unsigned workers, struct progress *progress, struct err *err);
void pipeline_deinit(struct pipeline *pipeline);

#endif
