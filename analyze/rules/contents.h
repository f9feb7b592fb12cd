/* contents: memory that a structure manages, put in the order in which it was written, so that
 * rules can look into it. A word of a structure rule names the kind: `content: zlib_window`. */
#ifndef ANALYZE_RULES_CONTENTS_H
#define ANALYZE_RULES_CONTENTS_H

#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/* Writes the content to `out`, which has as much room as `memory` has bytes, and gives its bytes.
 * `structure` starts where the rule matched, `memory` where its word points to; both reach as far
 * as may be read and as the kind asks for. */
typedef size_t content_arrange(struct span structure, struct span memory, uint8_t *out);

struct content_kind {
	const char *name;
	content_arrange *arrange;
	size_t structure_bytes; /* of the structure that it needs */
	size_t most_bytes;      /* of the memory */
};

/* The kind of that name, or NULL. */
const struct content_kind *content_kind_find(const char *name);

/* Kind `index` of the table; NULL behind the last. */
const struct content_kind *content_kind_at(size_t index);

/* What a rule with such a word can be grouped by: "origin", "package", "class" (origin.h). */
extern const char *const content_captures[];

/* The kinds. inflate_window.c says what it reads and where that is written. */
content_arrange inflate_window_arrange;
enum { INFLATE_WINDOW_STATE = 72, INFLATE_WINDOW_BYTES = 1 << 15 };

#endif
