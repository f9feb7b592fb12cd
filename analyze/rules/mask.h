/* mask: what of a shown text is replaced: UUIDs, hex and decimal numbers, which make each of a
 * thousand keys another, and may tell a person. */
#ifndef ANALYZE_RULES_MASK_H
#define ANALYZE_RULES_MASK_H

#include "base/span.h"

/* Bytes at the start of a text, one at least, that are replaced, and by what ("<uuid>", "<hex>",
 * "#"), or that stay as they are: `by` is NULL then, and they are one byte or have no decimal
 * digit. `before` is the byte in front of the text, 0 for none. A hex run has eight digits and
 * needs a decimal one, so that words like "deadbeefed" or "facade" stay. */
size_t mask_next(struct span text, uint8_t before, const char **by);

/* How many bytes of the text are replaced. */
size_t mask_count(struct span text);

#endif
