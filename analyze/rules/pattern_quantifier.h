/* pattern_quantifier: how often an item of a pattern is repeated, and the blanks and comments that
 * may stand in between. Syntax: pcre2pattern(3) of PCRE2 10.42, "Repetition", "Comments". */
#ifndef ANALYZE_RULES_PATTERN_QUANTIFIER_H
#define ANALYZE_RULES_PATTERN_QUANTIFIER_H

#include "analyze/rules/pattern_reader.h"

/* Skips what PCRE2 reads as if it were not there: a quantifier behind it belongs to what stands
 * before. */
void pattern_skip_nothings(struct pattern_reader *reader, struct pattern_options options);

/* Reads a quantifier, lazy and possessive ones too; *max may be PATTERN_ENDLESS. False, with
 * reader->at where it was, where there is none. */
bool pattern_read_quantifier(struct pattern_reader *reader, uint32_t *min, uint32_t *max);

#endif
