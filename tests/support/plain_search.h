/* plain_search: what a content scan has to find, found as one would by hand. It knows nothing of
 * keywords, units, first bytes and threads: it searches each chunk with pcre2_match, without JIT
 * and not anchored. */
#ifndef TESTS_SUPPORT_PLAIN_SEARCH_H
#define TESTS_SUPPORT_PLAIN_SEARCH_H

#include "analyze/rules/rule.h"
#include "archive/page_map.h"
#include "base/vaddr.h"
#include "base/vec.h"
#include "tests/support/sketch.h"

#include <stdint.h>

struct plain_hit {
	vaddr at;
	uint64_t bytes;
};

typedef VEC(struct plain_hit) plain_hits;

/* The hits of one rule with a pattern, by address. page_map may be NULL. The caller ends the
 * vector. */
plain_hits plain_search(const struct rule *rule, const struct sketch *sketch,
						const struct page_map *page_map);

#endif
