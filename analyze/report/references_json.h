/* references_json: who holds the live chunks, as a part of the JSON report. */
#ifndef ANALYZE_REPORT_REFERENCES_JSON_H
#define ANALYZE_REPORT_REFERENCES_JSON_H

#include "analyze/report/model.h"

#include <jansson.h>

json_t *references_json(const struct report_references *references);

#endif
