/* reference_tables: who holds the live chunks, as sentences and tables for people. */
#ifndef ANALYZE_REPORT_REFERENCE_TABLES_H
#define ANALYZE_REPORT_REFERENCE_TABLES_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

/* What is anchored and what is unreachable, and what that word promises. */
void reference_tables_summary(const struct report_references *references, struct strbuf *out);

/* Each kind of root with what it anchors. */
void reference_tables_roots(const struct report_references *references, struct table *table);

/* Unreachable chunks by size, by rule, and the largest. The caller prints what has rows. */
void reference_tables_sizes(const struct report_references *references, struct table *table);
void reference_tables_rules(const struct report_references *references, struct table *table);
void reference_tables_largest(const struct report_references *references, struct table *table);

#endif
