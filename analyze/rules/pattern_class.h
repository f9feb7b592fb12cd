/* pattern_class: a class of bytes in brackets. Syntax: pcre2pattern(3) of PCRE2 10.42, "Square
 * brackets and character classes", "Posix character classes". */
#ifndef ANALYZE_RULES_PATTERN_CLASS_H
#define ANALYZE_RULES_PATTERN_CLASS_H

#include "analyze/rules/pattern_reader.h"

/* Reads a class; reader->at is at its opening bracket. */
struct pattern_node *pattern_read_class(struct pattern_reader *reader,
										struct pattern_options options);

#endif
