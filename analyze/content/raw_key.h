/* raw_key: the key of a hit while units are scanned. What a rule shows is made safe here; what it
 * hides stays as it is inside this stage, to be told apart, and gets a number when units are
 * joined. */
#ifndef ANALYZE_CONTENT_RAW_KEY_H
#define ANALYZE_CONTENT_RAW_KEY_H

#include "analyze/validators/match.h"
#include "analyze/rules/rule.h"
#include "base/span_index.h"

#include <stdint.h>

#define RAW_NO_KEY UINT32_MAX

/* A key's bytes in an index: this head, then the text. Keys of different rules differ. */
struct raw_key_head {
	uint32_t rule;
	uint32_t hidden; /* 0 or 1 */
};

/* Keys made so far by capture, so that a repeated value is made safe once. Zero-initialised is
 * empty; belongs to one index of keys at a time. */
struct raw_key_cache {
	struct span_index seen;
	VEC(uint32_t) keys;        /* per entry of seen */
	struct strbuf buffer, key; /* scratch */
};

void raw_key_cache_clear(struct raw_key_cache *cache);
void raw_key_cache_deinit(struct raw_key_cache *cache);

/* The number of the match's key in `keys`, or RAW_NO_KEY where the rule has none or its capture
 * took no part. */
uint32_t raw_key_add(struct raw_key_cache *cache, struct span_index *keys,
					 const struct redactor *redactor, const struct rule *rule, uint32_t rule_index,
					 const struct match *match);

#endif
