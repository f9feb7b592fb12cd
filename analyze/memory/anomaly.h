/* anomaly: evidence that is odd. It never stops the run; it becomes a row of the report. */
#ifndef ANALYZE_MEMORY_ANOMALY_H
#define ANALYZE_MEMORY_ANOMALY_H

#include "base/pool.h"
#include "base/vaddr.h"
#include "base/vec.h"

struct anomaly {
	vaddr address;
	const char *what; /* one line: what was found, what was expected */
};

/* Zero-initialised is empty. After ANOMALIES_MAX rows only `dropped` grows, so that damage cannot
 * flood a report. Not safe for use by several threads at once. */
enum { ANOMALIES_MAX = 1000 };

struct anomalies {
	VEC(struct anomaly) rows;
	uint64_t dropped;
	struct pool pool;
};

void anomaly_add(struct anomalies *anomalies, vaddr address, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void anomalies_deinit(struct anomalies *anomalies);

#endif
