/* packed: compressed streams for tests, made by the real zlib. */
#ifndef TESTS_SUPPORT_PACKED_H
#define TESTS_SUPPORT_PACKED_H

#include "analyze/validators/match.h"
#include "base/span.h"
#include "base/strbuf.h"

/* Appends the text as a stream of that format. */
void packed_add(struct strbuf *out, enum match_packed format, struct span text);

/* Appends a ZIP local file header (APPNOTE 4.3.7) of that name and the deflated text behind it, and
 * the start of the next record. */
void packed_add_zip(struct strbuf *out, const char *name, struct span text);

#endif
