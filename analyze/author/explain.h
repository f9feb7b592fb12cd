/* explain: why a rule matched in a chunk, or which step of the scan dropped it. Takes the steps of
 * a scan (unit_scan.h) one after another for one chunk and one rule, with the same prefilter,
 * patterns, validators and structures, and keeps what each of them said. Holds no content. */
#ifndef ANALYZE_AUTHOR_EXPLAIN_H
#define ANALYZE_AUTHOR_EXPLAIN_H

#include "analyze/rules/rule.h"
#include "analyze/content/runs.h"
#include "analyze/rules/structure.h"
#include "analyze/author/trace.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of the chunk: the step that dropped it, or a hit. */
enum explain_verdict {
	EXPLAIN_HIT,
	EXPLAIN_TARGET,     /* the rule is about other machines */
	EXPLAIN_STATE,      /* … chunks in other states */
	EXPLAIN_SIZE,       /* … chunks of other sizes */
	EXPLAIN_NOT_THERE,  /* none of its bytes are in the file, or resident */
	EXPLAIN_NO_KEYWORD, /* none of the rule's keywords stands in it */
	EXPLAIN_ANCHOR,     /* one does, but no match may start where it could belong to one */
	EXPLAIN_PATTERN,    /* the pattern matched at none of the places */
	EXPLAIN_UNDECIDED,  /* it hit its limit: neither match nor no match */
	EXPLAIN_VALIDATOR,  /* it matched, and a validator refused */
	EXPLAIN_STRUCTURE,  /* a word of the structure has another value */
	EXPLAIN_VERDICTS
};

/* A keyword of the rule and where it stands. Offsets count from the program's pointer. */
struct explain_keyword {
	size_t keyword; /* index in rule.keywords */
	uint64_t count; /* places */
	uint64_t first; /* the first of them */
};

enum explain_likeness {
	EXPLAIN_OTHER_CASE, /* but for the case of letters */
	EXPLAIN_UTF16,      /* as UTF-16, little-endian */
	EXPLAIN_BEGINNING,  /* its first `bytes` bytes */
};

/* What is like a keyword that does not stand in the chunk. */
struct explain_near {
	size_t keyword;
	enum explain_likeness likeness;
	uint64_t at;
	size_t bytes;
};

struct explain_hit {
	uint64_t at, bytes; /* its extent, cut to the chunk */
	bool overlapped;    /* starts within an earlier hit of the rule: does not count */
};

/* A match that a validator refused. */
struct explain_refusal {
	const struct validator *validator;
	uint64_t at, bytes; /* what the pattern matched */
};

/* Refusals and hits that are kept; the rest is counted. After so many undecided places a chunk is
 * not looked at any further: it is undecided. */
enum { EXPLAIN_REFUSALS = 8, EXPLAIN_HITS = 1 << 16, EXPLAIN_PATIENCE = 1000 };

struct explain {
	const struct rule *rule;
	struct chunk chunk;
	unsigned header_bytes;
	uint64_t readable; /* bytes of it that could be looked at */
	enum explain_verdict verdict;
	size_t would_hit; /* where target, state or size dropped it: hits there would be else */

	VEC(struct explain_keyword) keywords; /* those that stand in it */
	VEC(struct explain_near) near;        /* of the others */
	uint64_t tried;                       /* places at which the pattern or structure was tried */
	uint64_t first_byte;                  /* further places, where another byte stands than any
										   * match starts with */
	uint64_t undecided;
	VEC(struct explain_hit) hits; /* by place, the first EXPLAIN_HITS */
	uint64_t more_hits;

	/* of the place where the pattern got furthest without a match */
	bool has_trace;
	uint64_t trace_at;
	struct trace trace;
	int trace_byte; /* what stands there; -1: nothing, the text ends */

	struct explain_refusal refusals[EXPLAIN_REFUSALS]; /* the first */
	uint64_t refused;                                  /* of all */

	/* of the place where most words of the structure passed */
	bool has_failure;
	uint64_t failure_at;
	struct structure_failure failure;
};

struct explain_input {
	const struct rule_set *rules;
	uint32_t rule; /* index */
	struct structure_tables tables;
	const struct runs *runs; /* of all chunks */
};

/* Fills a zeroed explain for the chunk that holds the address, header included. False where no
 * chunk does, or a library refuses. The caller ends with explain_deinit in every case. */
bool explain_fill(struct explain *explain, const struct explain_input *input, vaddr address,
				  struct err *err);
void explain_deinit(struct explain *explain);

/* "hit", "target", "state", "size", "not-there", "no-keyword", "anchor", "pattern", "undecided",
 * "validator", "structure". */
const char *explain_verdict_name(enum explain_verdict verdict);

#endif
