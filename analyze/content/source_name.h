/* source_name: the key that a window's hit is grouped by, made safe as every key is. */
#ifndef ANALYZE_CONTENT_SOURCE_NAME_H
#define ANALYZE_CONTENT_SOURCE_NAME_H

#include "analyze/content/origin.h"
#include "analyze/content/raw_key.h"
#include "analyze/rules/rule.h"
#include "analyze/content/source.h"
#include "analyze/content/text_scan.h"

/* One thread's; `rules` set, the rest zero-initialised. */
struct source_namer {
	const struct rule_set *rules;
	struct origin origin;
	struct raw_key_cache cache;
};

void source_namer_deinit(struct source_namer *namer);

/* Adds the key to `keys`, which was empty, where the source's rule groups by what its content says:
 * a class file's, else the rule's that explains most of the text. */
void source_name(struct source_namer *namer, const struct source *source, struct span text,
				 const struct text_facts *facts, struct span_index *keys);

/* The same of a source without content to look at; `why` is its origin, "(no window)". */
void source_name_none(struct source_namer *namer, const struct source *source, const char *why,
					  struct span_index *keys);

#endif
