/* spelling: other ways to write a character: percent-encoding (RFC 3986, 2.1), escapes of JSON and
 * C, references of HTML. Gson writes "=" as \\u003d, browsers "@" as %40. */
#ifndef ANALYZE_RULES_SPELLING_H
#define ANALYZE_RULES_SPELLING_H

#include "base/span.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Makes `out` the text with the printable ASCII characters that are spelled out; false where none
 * is, and `out` is then of no use. */
bool spelling_undo(struct span text, struct strbuf *out);

#endif
