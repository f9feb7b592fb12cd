/* evidence: what the report rests on: the file, its capture, and what it does not tell. */
#ifndef ANALYZE_ATTRIBUTE_EVIDENCE_H
#define ANALYZE_ATTRIBUTE_EVIDENCE_H

#include "analyze/content/findings.h"
#include "analyze/heap/heap.h"
#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "analyze/report/model.h"
#include "base/pool.h"

/* Complete unless the file is cut or damaged, the capture did not reach its end, or pages were read
 * while the process could write them. A core of another writer that lacks a page map and documents
 * is complete evidence of its kind. */
bool evidence_is_complete(const struct core *core);

/* What a glibc heap is found by is in the file: something of the writable data of every module that
 * has any in RAM (main_arena lies in libc's, or in a static program's own). */
bool evidence_has_roots(const struct core *core, const struct image *image,
						const struct regions *regions);

/* Which arena any thread uses was found, by its registers or by its control block, or its registers
 * tell where its own variables are. Else nobody knows which arena a thread uses. */
bool evidence_knows_threads(const struct core *core, const struct heap *heap);

/* Fills `evidence`; what it does not tell, complete or not, is in `missing`, and in `unknown` what
 * that is for lack of what. `path` is the file as given. Strings are escaped into the pool. */
void evidence_fill(struct report_evidence *evidence, const char *path, const struct core *core,
				   const struct regions *regions, const struct heap *heap,
				   const struct findings *findings, struct pool *pool);

/* Adds to `missing` that the buckets do not sum to the RSS, and what may be the cause, where that
 * is a hundredth of the RSS or more. Call it when the memory of the report is filled. */
void evidence_miss_residual(struct report *report, const struct core *core);

#endif
