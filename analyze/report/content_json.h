/* content_json: what is in the chunks, as a part of the JSON report. */
#ifndef ANALYZE_REPORT_CONTENT_JSON_H
#define ANALYZE_REPORT_CONTENT_JSON_H

#include "analyze/report/model.h"

#include <jansson.h>

/* Rules with hits, all of them where the content has stats, and chunks without any hit. */
json_t *content_json(const struct report_content *content);

#endif
