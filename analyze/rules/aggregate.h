/* aggregate: the key a hit is grouped by, made of one of its captures. */
#ifndef ANALYZE_RULES_AGGREGATE_H
#define ANALYZE_RULES_AGGREGATE_H

#include "base/span.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

enum transform_kind {
	TRANSFORM_DIRNAME, /* the first N directories of a path; "." where it has none */
	TRANSFORM_PREFIX,  /* the first N bytes */
	TRANSFORM_LOWER,   /* ASCII letters to lower case */
	TRANSFORM_DIGITS,  /* every run of digits becomes one # */
	TRANSFORM_IDS,     /* path parts of nothing but hex digits, with a decimal one, become # */
	TRANSFORM_SQL,     /* literals, numbers and placeholders of a statement become ? */
	TRANSFORM_KINDS
};

struct transform {
	enum transform_kind kind;
	uint32_t number; /* N of dirname and prefix */
};

enum { AGGREGATE_TRANSFORMS = 4 };

struct aggregate {
	const char *by; /* name of the capture; NULL: the rule has no groups */
	struct transform steps[AGGREGATE_TRANSFORMS];
	size_t step_count;
	uint32_t top;      /* groups a report shows */
	uint32_t max_keys; /* keys kept; hits with further ones go to AGGREGATE_OTHERS */
};

/* The key of hits whose own key came after max_keys others. */
#define AGGREGATE_OTHERS "(other keys)"

/* "dirname", "prefix", "lower", "digits", "ids", "sql". */
const char *transform_name(enum transform_kind kind);

/* Makes `out` the key of the captured value, whatever it was. It is not redacted yet. */
void aggregate_key(const struct aggregate *aggregate, struct span value, struct strbuf *out);

/* Are its transforms, at least one, all dirname? Then a key is "." or the beginning of the
 * value. */
bool aggregate_only_cuts(const struct aggregate *aggregate);

#endif
