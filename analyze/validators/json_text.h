/* json_text: JSON (RFC 8259), measured and summed up by the keys of its first object. */
#ifndef ANALYZE_VALIDATORS_JSON_TEXT_H
#define ANALYZE_VALIDATORS_JSON_TEXT_H

#include "analyze/validators/match.h"
#include "base/span.h"

#include <stddef.h>

/* Bytes of the JSON value at the start of the text, blanks before it included; 0 where there is no
 * whole one. At most 64 MiB are looked at, at most 64 levels deep. Sets the capture `keys`: the
 * keys of the first object, six at most, with commas between them. */
size_t json_text_length(struct span text, struct match *match);

#endif
