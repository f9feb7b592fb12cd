/* show_json: what `analyze show` says, as JSON: schema dumpcore.show/1 (docs/analyze.1). */
#ifndef ANALYZE_REPORT_SHOW_JSON_H
#define ANALYZE_REPORT_SHOW_JSON_H

#include "analyze/report/show_model.h"
#include "base/strbuf.h"

#define SHOW_SCHEMA "dumpcore.show/1"

void show_json_render(const struct show *show, struct strbuf *out);

#endif
