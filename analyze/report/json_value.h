/* json_value: JSON values as every document of ours has them. */
#ifndef ANALYZE_REPORT_JSON_VALUE_H
#define ANALYZE_REPORT_JSON_VALUE_H

#include "analyze/report/model.h"
#include "base/strbuf.h"
#include "base/vaddr.h"

#include <jansson.h>
#include <stdbool.h>

/* jansson takes valid UTF-8 only: clean_add sees to it. NULL is "". */
json_t *json_value_text(const char *value);

/* JSON numbers of ours have 63 bits; only a hostile file has more. */
json_t *json_value_number(uint64_t value);
json_t *json_value_known(bool known, uint64_t value); /* null where it is not */

/* "0x…" */
json_t *json_value_address(vaddr value);

json_t *json_value_lines(const report_lines *lines);

/* Rows of size, state, chunks, bytes. */
json_t *json_value_size_classes(const struct report_size_class *items, size_t count);

/* Appends the document, indented, with a final newline, and ends it. */
void json_value_write(json_t *root, struct strbuf *out);

#endif
