/* text: bytes from a process or a file made safe for a terminal, a ticket or JSON. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/span.h"
#include "base/strbuf.h"

/* Appends the bytes as printable UTF-8: control bytes, backslash and every byte that is not part of
 * a valid UTF-8 sequence (RFC 3629: no overlong forms, no surrogates) become \n, \t, \\ or \xNN.
 * Bidirectional controls are escaped as well, so text cannot reorder what stands around it. */
void text_escape(struct span bytes, struct strbuf *out);

/* Length of the valid UTF-8 sequence at the start of the bytes, 0 where there is none. */
size_t text_utf8_length(struct span bytes);

/* Columns of an escaped text on a terminal, one for each code point. */
size_t text_columns(const char *text);

/* The name nearest to `word` in `names` (NULL-ended) by edit distance, or NULL where none is near
 * enough to be worth suggesting. */
const char *text_nearest(const char *word, const char *const *names);

#endif
