/* packed_json: what is in a rule's compressed streams and windows, as a part of the JSON report. */
#ifndef ANALYZE_REPORT_PACKED_JSON_H
#define ANALYZE_REPORT_PACKED_JSON_H

#include "analyze/report/model.h"

#include <jansson.h>

/* null where the rule's hits are no streams. */
json_t *packed_json(const struct report_rule *rule);

#endif
