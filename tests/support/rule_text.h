/* rule_text: rule files written in a test. */
#ifndef TESTS_SUPPORT_RULE_TEXT_H
#define TESTS_SUPPORT_RULE_TEXT_H

#include "analyze/rules/rule_set.h"
#include "base/strbuf.h"
#include "base/span.h"

struct rule_text {
	struct rule_set *set; /* NULL where the load failed: see err */
	rule_messages messages;
	struct err err;
	/* the messages with "FILE" for the file's path: their first lines, and all of them */
	struct strbuf all, full;
};

/* Loads a rule file of these bytes. Ends with rule_text_deinit. */
void rule_text_load(struct rule_text *text, struct span bytes);

/* As rule_text_load for one rule: puts "format: 1", "namespace: t" and "rules:" before it, so the
 * rule starts in line 4. */
void rule_text_load_rule(struct rule_text *text, const char *rule);

/* The same of rules about which nothing is said, or the test fails. */
void rule_text_load_sound(struct rule_text *text, const char *rules);

/* Runs rule_set_check and adds its messages. */
void rule_text_check(struct rule_text *text);

void rule_text_deinit(struct rule_text *text);

#endif
