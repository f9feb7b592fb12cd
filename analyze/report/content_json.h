/* content_json: rules, their hits and what is unattributed, as a part of the JSON report. */
#ifndef ANALYZE_REPORT_CONTENT_JSON_H
#define ANALYZE_REPORT_CONTENT_JSON_H

#include "analyze/report/model.h"

#include <jansson.h>

/* Where the caller asked what rules cost, those without hits stand behind the others. */
json_t *content_json(const struct report_content *content);

#endif
