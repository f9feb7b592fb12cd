/* judge: the rows of the diagnosis table, a function each: says whether it applies and fills the
 * row. Shared by diagnosis.c and the judge_*.c files, and nobody else. */
#ifndef ANALYZE_ATTRIBUTE_JUDGE_H
#define ANALYZE_ATTRIBUTE_JUDGE_H

#include "analyze/attribute/diagnosis.h"
#include "analyze/report/model.h"

struct diagnosing {
	struct report *report;
	const struct diagnosis_facts *facts;
	uint64_t whole; /* RSS; virtual bytes of malloc where residency is unknown */
};

struct candidate {
	struct report_diagnosis row;
	uint64_t bytes; /* it is about */
};

/* Adds a sentence of evidence. */
#define JUDGE_SAY(c, d, ...) \
	(*vec_add(&(d)->row.evidence) = pool_printf(&(c)->report->pool, __VA_ARGS__))

/* A size, a count, a count of things ("1 chunk"), in the report's pool; a share of the whole. */
const char *judge_size(const struct diagnosing *c, uint64_t bytes);
const char *judge_number(const struct diagnosing *c, uint64_t value);
const char *judge_count(const struct diagnosing *c, uint64_t value, const char *noun);
double judge_percent(const struct diagnosing *c, uint64_t bytes);

/* "high" from `high` percent of the whole on, "medium" from `medium` on, "low" for what is small,
 * "info" below. Without residency nothing is "high". */
const char *judge_grade(const struct diagnosing *c, uint64_t bytes, double medium, double high);

/* About malloc. */
bool judge_retention(const struct diagnosing *c, struct candidate *d);
bool judge_live(const struct diagnosing *c, struct candidate *d);
bool judge_untouched(const struct diagnosing *c, struct candidate *d);

/* About everything else. */
bool judge_foreign(const struct diagnosing *c, struct candidate *d);
bool judge_heap_not_found(const struct diagnosing *c, struct candidate *d);
bool judge_unknown(const struct diagnosing *c, struct candidate *d);
bool judge_shared(const struct diagnosing *c, struct candidate *d);
bool judge_java_heap(const struct diagnosing *c, struct candidate *d);
bool judge_java_heap_small(const struct diagnosing *c, struct candidate *d);
bool judge_stacks(const struct diagnosing *c, struct candidate *d);
bool judge_modules(const struct diagnosing *c, struct candidate *d);
bool judge_swap(const struct diagnosing *c, struct candidate *d);
bool judge_incomplete(const struct diagnosing *c, struct candidate *d);

#endif
