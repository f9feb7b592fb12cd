/* byte_set: a set of byte values, a bit each. */
#ifndef ANALYZE_CONTENT_BYTE_SET_H
#define ANALYZE_CONTENT_BYTE_SET_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

static inline bool byte_set_has(const uint8_t set[32], unsigned byte)
{
	return set[byte / 8] >> byte % 8 & 1;
}

void byte_set_add(uint8_t set[32], unsigned byte);

/* How many bytes are in it. */
unsigned byte_set_count(const uint8_t set[32]);

/* Both ends inclusive; what is beyond a byte is left out. */
void byte_set_add_range(uint8_t set[32], unsigned from, unsigned to);

void byte_set_invert(uint8_t set[32]);

/* Adds the other case of every ASCII letter in the set. */
void byte_set_add_cases(uint8_t set[32]);

/* Adds the members of a class of pcre2pattern(3) in the C locale: "d", "w", "s", "h", "v" or a
 * POSIX name such as "alpha"; all others where `inverted`. False where there is no such class. */
bool byte_set_add_class(uint8_t set[32], struct span name, bool inverted);

#endif
