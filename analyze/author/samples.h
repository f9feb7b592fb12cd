/* samples: runs a rule's own tests. Each sample is put into a chunk of a small made-up heap and
 * scanned as a real one would be, once with the prefilter and once without. */
#ifndef ANALYZE_AUTHOR_SAMPLES_H
#define ANALYZE_AUTHOR_SAMPLES_H

#include "analyze/rules/rule.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct samples_count {
	size_t passed, failed;
};

/* Runs the tests of rule `index`; each failure is a message R050. False where a library refuses. */
bool samples_run(const struct rule_set *set, uint32_t index, struct rule_sink *sink,
				 struct samples_count *count, struct err *err);

#endif
