/* prefilter: finds all keywords of all rules in one pass. libhs (vectorscan or hyperscan), literals
 * only: its regular expressions have open bugs of missed matches (vectorscan#317, #358, #382). */
#ifndef ANALYZE_RULES_PREFILTER_H
#define ANALYZE_RULES_PREFILTER_H

#include "base/err.h"
#include "base/span.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The compiled literals; may be used by several threads at once. */
struct prefilter;

/* What one thread needs to scan. */
struct prefilter_thread;

/* Longest literal, and the most bytes one scan takes. */
enum { PREFILTER_MAX_LITERAL = 255 };
#define PREFILTER_MAX_SCAN (UINT32_C(1) << 30)

struct prefilter_hit {
	uint32_t at;      /* offset of the literal's first byte */
	uint32_t literal; /* its index */
};

typedef VEC(struct prefilter_hit) prefilter_hits;

/* Compiles distinct literals of 1 to PREFILTER_MAX_LITERAL bytes, not all zeros. NULL and an error
 * where libhs refuses (a CPU without SSSE3). No literal at all is fine. Ends with
 * prefilter_destroy. */
struct prefilter *prefilter_create(const struct span *literals, size_t count, struct err *err);
void prefilter_destroy(struct prefilter *prefilter);

/* A prefilter of the same literals but those that `left_out`, per literal, names: they keep their
 * indexes. It does not need the other one. NULL, an error and its end as with prefilter_create. */
struct prefilter *prefilter_without(const struct prefilter *prefilter, const bool *left_out,
									struct err *err);

/* Bytes of the longest literal, 0 where there is none. */
size_t prefilter_longest(const struct prefilter *prefilter);

/* NULL and an error where libhs refuses. Ends with prefilter_thread_destroy, before the prefilter.
 */
struct prefilter_thread *prefilter_thread_create(const struct prefilter *prefilter,
												 struct err *err);
void prefilter_thread_destroy(struct prefilter_thread *thread);

/* Fills hits (emptied first) with every occurrence in the text, overlapping ones too, by offset,
 * then literal. False where libhs failed. */
bool prefilter_scan(const struct prefilter *prefilter, struct prefilter_thread *thread,
					struct span text, prefilter_hits *hits);

#endif
