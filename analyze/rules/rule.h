/* rule: a content rule as it is in force, and the set of them. rules/README.md describes what its
 * parts mean. */
#ifndef ANALYZE_RULES_RULE_H
#define ANALYZE_RULES_RULE_H

#include "analyze/rules/aggregate.h"
#include "analyze/rules/confirm.h"
#include "analyze/rules/severity.h"
#include "analyze/rules/pattern_head.h"
#include "analyze/rules/pattern_opening.h"
#include "analyze/rules/prefilter.h"
#include "analyze/rules/redact.h"
#include "analyze/rules/rule_message.h"
#include "analyze/rules/structure.h"
#include "analyze/validators/validators.h"
#include "base/pool.h"
#include "base/span.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum rule_anchor { RULE_ANCHOR_ANY, RULE_ANCHOR_CHUNK_START };
enum rule_within { RULE_WITHIN_CHUNK };
enum rule_extent { RULE_EXTENT_MATCH, RULE_EXTENT_VALIDATOR, RULE_EXTENT_CHUNK };

enum { RULE_VALIDATORS = 4, RULE_KEYWORD_MIN = 3, RULE_PATTERN_MAX = 16 << 10 };

struct rule_keyword {
	struct span bytes;
	struct rule_place place;
	struct pattern_head tail; /* of what stands behind it in a match that it finds */
};

struct rule_scan {
	enum rule_anchor anchor;
	enum rule_within within;
	uint32_t states;         /* a bit for each enum chunk_state */
	struct word_range sizes; /* chunk sizes, header included */
	uint64_t max_length;     /* bytes the pattern may see from its start on */
	uint32_t machine;        /* EM_… it applies to; 0: any */
	unsigned word;           /* bytes of a target word it applies to; 0: any */
};

/* A value a test writes into a structure sample. */
struct rule_test_word {
	uint32_t at;
	enum { RULE_WORD_NUMBER, RULE_WORD_SELF, RULE_WORD_CHUNK, RULE_WORD_FREE } kind;
	uint64_t value;  /* the number; the offset of SELF; the chunk size of CHUNK and FREE */
	uint32_t header; /* CHUNK: how far behind that chunk's address the value is */
	bool has_back;   /* CHUNK: the word at `back` in that chunk points to the sample */
	uint32_t back;
	struct rule_place place;
};

struct rule_expectation {
	const char *name;
	struct span value;
};

struct rule_test {
	const char *name;
	struct rule_place place;
	struct span bytes; /* of a text or hex sample */
	bool is_words;     /* a structure sample: `words` in zeros */
	uint64_t size;     /* chunk size; 0: as small as holds the sample */
	VEC(struct rule_test_word) words;
	bool wants_match;
	VEC(struct rule_expectation) expect; /* captures, "key", "bytes" */
};

struct rule {
	const char *id; /* "namespace.id" */
	const char *title, *description, *remediation, *author;
	enum severity severity;
	enum confidence confidence;
	int64_t priority;
	VEC(const char *) references;
	VEC(const char *) tags;
	VEC(struct rule_keyword) keywords;
	struct span pattern; /* as written; data NULL: a structure rule */
	struct structure structure;
	struct rule_scan scan;
	bool slow; /* may look at every byte */
	const struct validator *validators[RULE_VALIDATORS];
	size_t validator_count;
	enum rule_extent extent;
	struct aggregate aggregate;
	VEC(const char *) show; /* captures that may be seen */
	bool show_all;          /* `redact: show` */
	VEC(struct rule_test) tests;

	struct rule_place place;        /* of the rule */
	const struct tree_node *source; /* the pattern's scalar, for places in it */
	struct confirm *confirm;        /* of a pattern rule */
	struct pattern_head head;       /* of its matches */
	pattern_openings openings;      /* … where they start with a chunk and have no keyword */
	bool coverage_known;            /* every match is proven to hold a keyword */
	uint64_t lead_min, lead_max;    /* from a match's start to its first keyword */
	size_t lookbehind;
};

/* Is the rule about targets of this machine (EM_…) with words of so many bytes? */
bool rule_applies(const struct rule *rule, uint16_t machine, unsigned word);

/* Does the rule show this capture? */
bool rule_shows(const struct rule *rule, const char *capture);

/* Names its aggregate and redact parts may refer to; gives their number. */
size_t rule_captures(const struct rule *rule, const char *names[MATCH_CAPTURES]);

void rule_deinit(struct rule *rule);

/* A rule that has a keyword, and the keyword there. */
struct literal_use {
	uint32_t rule;
	const struct rule_keyword *keyword;
};

/* A distinct keyword and the rules that have it. */
struct rule_literal {
	struct span bytes;
	VEC(struct literal_use) uses;
};

struct rule_set {
	VEC(struct rule) rules; /* in force, in load order */
	VEC(struct rule_literal) literals;
	struct prefilter *prefilter;
	struct redactor *redactor;
	struct pool pool;
};

#endif
