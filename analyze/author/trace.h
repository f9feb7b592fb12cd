/* trace: how far a pattern gets at a place where it does not match, and what it wanted there. Runs
 * PCRE2 with a callout before every item of the pattern (pcre2callout(3), "Automatic callouts"):
 * slow, for one place at a time. */
#ifndef ANALYZE_AUTHOR_TRACE_H
#define ANALYZE_AUTHOR_TRACE_H

#include "base/span.h"

#include <stddef.h>

/* A pattern made ready to be traced. */
struct trace_pattern;

/* A part of the pattern: `[a-z]+`, `\d`, a letter. */
struct trace_item {
	size_t offset, bytes;
};

enum { TRACE_ITEMS = 4 };

struct trace {
	size_t reached; /* bytes from the start up to the furthest place at which an item was tried */
	struct trace_item items[TRACE_ITEMS]; /* the first of those tried there */
	size_t count;
};

/* NULL where PCRE2 refuses the pattern. Ends with trace_pattern_destroy. */
struct trace_pattern *trace_pattern_create(struct span pattern);
void trace_pattern_destroy(struct trace_pattern *pattern);

/* Runs the pattern at offset `at` of the subject, within the match limit of confirm.h. */
struct trace trace_at(const struct trace_pattern *pattern, struct span subject, size_t at);

#endif
