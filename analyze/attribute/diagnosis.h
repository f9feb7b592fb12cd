/* diagnosis: what the numbers mean for somebody on call: rows of a table, each with evidence in
 * sentences with their numbers, a first step, advice and what it would gain. */
#ifndef ANALYZE_ATTRIBUTE_DIAGNOSIS_H
#define ANALYZE_ATTRIBUTE_DIAGNOSIS_H

#include "analyze/report/model.h"

#include <stdbool.h>
#include <stddef.h>

/* What the report does not say and a diagnosis needs. */
struct diagnosis_facts {
	bool is_java;   /* libjvm.so is mapped */
	bool is_torn;   /* live capture: lists may be inconsistent */
	bool no_roots;  /* what a heap is found by is not in the file (evidence_has_roots) */
	bool is_32_bit; /* so that dumpcore cannot capture it */
	size_t threads; /* 0: not known */
};

/* Adds rows to report->diagnosis, gravest first. Everything else of the report but the verdict must
 * be there. A part of less than DIAGNOSIS_SMALL_BYTES is never graver than "low". */
#define DIAGNOSIS_SMALL_BYTES (UINT64_C(32) << 20)
void diagnosis_fill(struct report *report, const struct diagnosis_facts *facts);

/* Live bytes of malloc (in use, mmapped), freed bytes it keeps, and of all other anonymous memory:
 * resident ones where residency is known, else virtual. */
uint64_t diagnosis_live_bytes(const struct report *report);
uint64_t diagnosis_kept_bytes(const struct report *report);
uint64_t diagnosis_foreign_bytes(const struct report *report);

/* Bytes nobody can say of whether they are live or freed: not in the file, or malloc's and not
 * walkable. */
uint64_t diagnosis_unknown_bytes(const struct report *report);

/* Whether references were looked for, in all that may hold chunks, and no pointer leads to half of
 * the live bytes or more. */
bool diagnosis_is_forgotten(const struct report *report);

/* The row of that id, or NULL. */
const struct report_diagnosis *diagnosis_find(const struct report *report, const char *id);

#endif
