/* spelling: other ways to write a character: percent-encoding (RFC 3986, 2.1), escapes of JSON, C,
 * Python and JavaScript, references of HTML (HTML, 13.5), full width. Gson writes "=" as \\u003d,
 * browsers "@" as %40, templates the quotes of JSON as &quot;. */
#ifndef ANALYZE_RULES_SPELLING_H
#define ANALYZE_RULES_SPELLING_H

#include "base/span.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Could a character be spelled out in the text? Few texts have the signs for it. */
bool spelling_has_sign(struct span text);

/* Makes `out` the text with the printable ASCII characters that are spelled out; false where none
 * is, and `out` is then of no use. */
bool spelling_undo(struct span text, struct strbuf *out);

#endif
