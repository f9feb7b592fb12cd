/* redact: what of a captured value may be seen. Nothing, unless the rule shows the capture; then a
 * capped, escaped text with runs of digits, hex and UUIDs replaced, and still nothing where the
 * value looks like a secret. */
#ifndef ANALYZE_RULES_REDACT_H
#define ANALYZE_RULES_REDACT_H

#include "base/err.h"
#include "base/span.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* The compiled secret patterns; may be used by several threads at once. */
struct redactor;

/* NULL and an error where PCRE2 refuses to work. The caller ends with redactor_destroy. */
struct redactor *redactor_create(struct err *err);
void redactor_destroy(struct redactor *redactor);

/* Does the value look like a secret: PEM, JWT, cloud and service keys, password=, Cookie,
 * Authorization, credentials in a URL, a mail address, a long random token? Characters may be
 * spelled out: %40, %2540, \u0040, &#64;. Where the patterns cannot decide, it does. */
bool redactor_is_secret(const struct redactor *redactor, struct span value);

/* The same for a value of which the first `kept` bytes are to be shown: is there a secret that
 * begins in them? What is cut off may be what tells it: "<password>x" before "</password>". */
bool redactor_begins_secret(const struct redactor *redactor, struct span value, size_t kept);

/* Longest shown text, in columns. */
enum { REDACT_COLUMNS = 96 };

/* Appends the shown form of a value that is no secret. NULs are left out, so that the digits of
 * UTF-16 text are runs as well. */
void redact_show(struct span value, struct strbuf *out);

#endif
