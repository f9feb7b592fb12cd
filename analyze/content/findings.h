/* findings: what the content scan found, ready to be joined with the heap. Everything in here is
 * redacted already: keys are made safe where a hit is made, so no later stage can leak. */
#ifndef ANALYZE_CONTENT_FINDINGS_H
#define ANALYZE_CONTENT_FINDINGS_H

#include "analyze/content/rule_tally.h"
#include "analyze/rules/severity.h"
#include "base/pool.h"
#include "base/vaddr.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* Streams and windows of a rule's hits, and what became of them. */
struct finding_packed {
	uint64_t streams, live_streams; /* looked into: of the heap, not those in them */
	uint64_t nested;                /* streams found in them and looked into */
	uint64_t packed_bytes;          /* read of both; windows are not packed: 0 */
	uint64_t inflated_bytes;        /* that came out of both */
	uint64_t broken, cut_short;     /* of both: they counted as far as they went */
	uint64_t too_long;              /* of both: more would have come out than is inflated of one */
	uint64_t over_budget;           /* not looked into, because a budget was spent */
	uint64_t too_deep;              /* not looked into, as they were in a stream in a stream */
};

/* What the later stages need of a rule. Strings are in the findings' pool. */
struct finding_rule {
	const char *id; /* "namespace.id" */
	const char *title;
	const char *description;
	const char *remediation;
	enum severity severity;
	enum confidence confidence;
	int priority;            /* higher wins the bytes where hits overlap */
	struct rule_tally tally; /* of what is undecided nobody knows that there is no match */
	uint64_t hits;           /* of the heap; claims are none */
	uint64_t inside_hits;    /* in streams and windows */
	uint32_t top;            /* groups a report shows of this rule, most bytes first */
	struct finding_packed packed;
};

/* A confirmed match. */
struct hit {
	vaddr start;
	uint64_t bytes; /* extent: how many bytes from start the hit explains */
	vaddr chunk;    /* address of the chunk it lies in; 0 outside the heap */
	uint64_t chunk_bytes;
	uint32_t rule;  /* index into findings.rules */
	uint32_t group; /* index into findings.groups, or HIT_NO_GROUP */
	bool live;      /* in an in-use or mmapped chunk; else stale */
	bool claimed;   /* a claim: a structure that hit elsewhere points to it; no hit of its own */
};

#define HIT_NO_GROUP UINT32_MAX

/* An aggregation key of a rule: "com/acme/app". Redacted and escaped. */
struct finding_group {
	uint32_t rule;
	const char *key;
};

/* What one rule found in the streams and windows of another's hits. Bytes there have no address. */
struct finding_inside {
	uint32_t outer;   /* index into findings.rules: whose hits they are */
	uint32_t rule;    /* the one that found something */
	uint64_t streams; /* of the heap, with a hit in them */
	uint64_t hits, live_hits;
	uint64_t bytes; /* inflated bytes that the hits explain; rules may explain the same */
};

/* Of those hits: a key of the rule, redacted and escaped. */
struct finding_inside_group {
	uint32_t inside; /* index into findings.inside */
	const char *key;
	uint64_t hits, live_hits;
};

struct findings {
	VEC(struct finding_rule) rules;    /* every rule that was applied, in load order */
	VEC(struct finding_group) groups;  /* by first hit's address: the same for any thread count */
	VEC(struct hit) hits;              /* by start, then rule */
	VEC(struct finding_inside) inside; /* by first sight, in address order */
	VEC(struct finding_inside_group) inside_groups;
	uint64_t look_budget, look_spent; /* bytes to look into streams (look_cost) */
	const char *disabled_note;        /* "JIT is not allowed here: …", "" normally */
	struct pool pool;
};

/* By address, then rule; claims behind what matched, the shorter ones first. */
void findings_sort_hits(struct findings *findings);

void findings_deinit(struct findings *findings);

#endif
