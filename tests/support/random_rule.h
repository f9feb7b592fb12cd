/* random_rule: a rule made by chance, and texts it may match. Its pattern is of literals, classes,
 * repeats, choices, groups without case, lookarounds and captures around a keyword, or without one;
 * its scan options and its extent are by chance too. */
#ifndef TESTS_SUPPORT_RANDOM_RULE_H
#define TESTS_SUPPORT_RANDOM_RULE_H

#include "base/strbuf.h"

#include <stdint.h>

enum { RANDOM_RULE_TEXTS = 8 };

struct random_rule {
	struct strbuf yaml; /* an item of `rules:` */
	struct strbuf pattern;
	struct strbuf texts[RANDOM_RULE_TEXTS]; /* most of them match */
};

/* splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t random_next(uint64_t *state);

/* 0 to below - 1. */
size_t random_below(uint64_t *state, size_t below);

/* A byte as they are in the patterns: a few letters, digits and others. */
uint8_t random_byte(uint64_t *state);

/* Makes the rule with that id from the state, which moves on. Ends with random_rule_deinit. */
void random_rule_make(struct random_rule *rule, const char *id, uint64_t *state);
void random_rule_deinit(struct random_rule *rule);

#endif
