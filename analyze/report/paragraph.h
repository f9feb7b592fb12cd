/* paragraph: a text in lines of a terminal, broken between words. */
#ifndef ANALYZE_REPORT_PARAGRAPH_H
#define ANALYZE_REPORT_PARAGRAPH_H

#include "base/strbuf.h"

#include <stddef.h>

/* Appends the text, made clean, in lines of at most `most` columns: `first` stands before its first
 * line, as many blanks before the others. Words longer than a line are broken; a number and its
 * unit are one word. `most` is more than the columns of `first`. */
void paragraph_add(const char *first, const char *text, size_t most, struct strbuf *out);

#endif
