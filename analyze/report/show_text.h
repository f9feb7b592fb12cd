/* show_text: what `analyze show` says, for a terminal. */
#ifndef ANALYZE_REPORT_SHOW_TEXT_H
#define ANALYZE_REPORT_SHOW_TEXT_H

#include "analyze/report/show_model.h"
#include "base/strbuf.h"

void show_text_render(const struct show *show, struct strbuf *out);

#endif
