/* suggest_rule: one suggested rule, as YAML. */
#ifndef ANALYZE_ATTRIBUTE_SUGGEST_RULE_H
#define ANALYZE_ATTRIBUTE_SUGGEST_RULE_H

#include "analyze/attribute/candidates.h"
#include "analyze/attribute/profile.h"
#include "analyze/rules/redact.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Beginnings of members that are looked at for secrets. */
enum { SUGGEST_HEADS = 64 };

struct suggest_group {
	const struct candidate *candidate;
	struct profile profile;
	size_t heads;
	struct span head[SUGGEST_HEADS]; /* of the first members; point into the image */
};

struct suggest_style {
	const struct redactor *redactor;
	unsigned word; /* bytes of a target word */
	bool reveal;
};

/* Appends a rule for text, or a structure. False where the members have nothing in common that a
 * rule could tell them by: then a comment says so. `number` makes the id. */
bool suggest_text_rule(const struct suggest_group *group, const struct suggest_style *style,
					   size_t number, struct strbuf *out);
bool suggest_structure_rule(const struct suggest_group *group, const struct suggest_style *style,
							size_t number, struct strbuf *out);

/* Appends "# 7,931 chunks, 744 KiB: …": how many members of what sizes. */
void suggest_count(const struct suggest_group *group, struct strbuf *out);

/* Chunk sizes for `scan` and for a sample: multiples of 16, at most 1M, as samples need them. */
struct suggest_size {
	uint64_t low, high; /* high UINT64_MAX: no end */
	uint64_t sample;
};

struct suggest_size suggest_size_of(const struct profile *profile);

/* Appends "size: 48" or "size: 48..112" or "size: 1M..". */
void suggest_put_size(struct suggest_size size, struct strbuf *out);

#endif
