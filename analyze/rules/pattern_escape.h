/* pattern_escape: what stands behind a backslash. Syntax: pcre2pattern(3) of PCRE2 10.42,
 * "Backslash". */
#ifndef ANALYZE_RULES_PATTERN_ESCAPE_H
#define ANALYZE_RULES_PATTERN_ESCAPE_H

#include "analyze/rules/pattern_reader.h"

/* The byte an escape stands for; reader->at is behind the backslash's letter. -1: not one byte. */
int pattern_read_byte(struct pattern_reader *reader, int letter);

/* Adds the class of \d, \W and the like, as a class of that letter. False where it has none. */
bool pattern_add_class(uint8_t set[32], int letter);

/* The literal text of \Q, up to \E or the end; reader->at is behind \Q. */
struct pattern_node *pattern_read_quoted(struct pattern_reader *reader,
										 struct pattern_options options);

/* An escape outside a class; reader->at is at its backslash. */
struct pattern_node *pattern_read_escape(struct pattern_reader *reader,
										 struct pattern_options options);

#endif
