/* raw_key: the key of a hit while units are scanned. What a rule shows is made safe here; what it
 * hides stays as it is inside this stage, to be told apart, and gets a number when units are
 * joined. */
#ifndef ANALYZE_CONTENT_RAW_KEY_H
#define ANALYZE_CONTENT_RAW_KEY_H

#include "analyze/validators/match.h"
#include "analyze/rules/rule.h"
#include "base/span_index.h"

#include <stdbool.h>
#include <stdint.h>

#define RAW_NO_KEY UINT32_MAX

/* A key's bytes in an index: this head, then the text. Keys of different rules differ. */
struct raw_key_head {
	uint32_t rule;
	uint32_t hidden; /* 0 or 1 */
};

/* What is known of the text that a rule's transforms have made of captures. */
struct raw_key_made {
	bool hides;         /* the rule does not show it, or it looks like a secret */
	uint32_t number[2]; /* of the key, shown and hidden; RAW_NO_KEY as long as there is none */
};

/* Keys made so far, so that a repeated value is made safe once: by captured value, and by what the
 * transforms make of it, as thousands of statements have one shape. Zero-initialised is empty;
 * belongs to one index of keys at a time. */
struct raw_key_cache {
	struct span_index seen;
	VEC(uint32_t) keys; /* per entry of seen */
	struct span_index shapes;
	VEC(struct raw_key_made) made; /* per entry of shapes */
	struct strbuf buffer, key;     /* scratch */
};

void raw_key_cache_clear(struct raw_key_cache *cache);
void raw_key_cache_deinit(struct raw_key_cache *cache);

/* The number of the match's key in `keys`, or RAW_NO_KEY where the rule has none or its capture
 * took no part. */
uint32_t raw_key_add(struct raw_key_cache *cache, struct span_index *keys,
					 const struct redactor *redactor, const struct rule *rule, uint32_t rule_index,
					 const struct match *match);

#endif
