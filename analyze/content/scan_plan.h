/* scan_plan: how the rules of a scan are looked for: by keywords, by bytes, or by chunks, and there
 * which rules a chunk of some size and state is of interest to. */
#ifndef ANALYZE_CONTENT_SCAN_PLAN_H
#define ANALYZE_CONTENT_SCAN_PLAN_H

#include "analyze/content/probe.h"
#include "analyze/rules/rule.h"
#include "analyze/memory/chunks.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A rule that is tried at the start of chunks, or at places that the header of a chunk may be at.
 */
struct chunk_rule {
	uint32_t rule;
	bool anywhere;        /* a structure: not only at the start */
	const uint8_t *first; /* the bytes that a match can start with; NULL: a structure */
	struct probe probe;   /* of a structure */
};

/* Rules that are tried at every byte that can start a match of theirs. */
enum { BYTE_RULES = 32 };
struct byte_rules {
	int only;             /* the byte all their matches start with; -1: others too, of one rule */
	const uint8_t *first; /* the bytes they can start with */
	VEC(uint32_t) rules;  /* at most BYTE_RULES */
};

/* Indexes of chunk rules. */
struct chunk_rules {
	const uint32_t *items;
	size_t count;
};

struct scan_plan {
	VEC(struct byte_rules) by_byte;
	VEC(struct chunk_rule) by_chunk;
	bool by_keyword; /* there are rules with keywords */
	uint64_t reach;  /* bytes behind a unit in which a match's first keyword may stand */
	VEC(uint32_t) lists;
	struct plan_slot {
		uint32_t from, count; /* in lists */
	} * slots;                /* by state, then class of sizes */
};

/* Plans for the rules that apply (per rule of the set); `brute`: none by keywords; `pointer`: the
 * target's pointer size. Ends with scan_plan_deinit. */
void scan_plan_init(struct scan_plan *plan, const struct rule_set *rules, const bool *applies,
					bool brute, unsigned pointer);
void scan_plan_deinit(struct scan_plan *plan);

/* The chunk rules that may look into such a chunk: those of its state and of about its size. */
struct chunk_rules scan_plan_find(const struct scan_plan *plan, const struct chunk *chunk);

#endif
