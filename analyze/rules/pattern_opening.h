/* pattern_opening: the ways in which a match can begin: so many bytes of any kind, then bytes as a
 * head has them. Of a pattern that begins with "(?: .{16} | .{24} )??" one head tells nothing, as
 * each place can hold any byte. */
#ifndef ANALYZE_RULES_PATTERN_OPENING_H
#define ANALYZE_RULES_PATTERN_OPENING_H

#include "analyze/rules/pattern.h"
#include "analyze/rules/pattern_head.h"
#include "base/span.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum { PATTERN_OPENINGS = 16, PATTERN_OPENING_SKIPPED = 256 };

struct pattern_opening {
	uint32_t skipped; /* bytes of any kind, at most PATTERN_OPENING_SKIPPED */
	struct pattern_head head;
};

/* All ways, at most PATTERN_OPENINGS; none where they are not known or are more. */
typedef VEC(struct pattern_opening) pattern_openings;

/* Fills openings, which are empty, with those of the pattern. */
void pattern_openings_find(pattern_openings *openings, const struct pattern *pattern);

/* Can a match start with these bytes? The text may go on behind it, but not it behind the text. */
static inline bool pattern_openings_fit(const pattern_openings *openings, struct span text)
{
	for (size_t i = 0; i < openings->count; i++)
		if (pattern_head_fits(&openings->items[i].head,
							  span_part(text, openings->items[i].skipped, PATTERN_HEAD)))
			return true;
	return !openings->count;
}

#endif
