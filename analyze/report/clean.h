/* clean: the last gate before a renderer's output. Texts of the model are escaped already; what is
 * not printable UTF-8 all the same becomes \xNN here, so that no control byte reaches a terminal or
 * a ticket. */
#ifndef ANALYZE_REPORT_CLEAN_H
#define ANALYZE_REPORT_CLEAN_H

#include "base/strbuf.h"

/* Appends the text; unlike text_escape it leaves backslashes, which escaping has put there. */
void clean_add(const char *text, struct strbuf *out);

#endif
