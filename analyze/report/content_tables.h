/* content_tables: the tables about what is in the chunks, for people. */
#ifndef ANALYZE_REPORT_CONTENT_TABLES_H
#define ANALYZE_REPORT_CONTENT_TABLES_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

/* These initialise the table, with as many rows as fit a ticket; the caller ends with
 * table_deinit. */

/* Rules that explain most, and critical ones, each followed by its groups. */
void content_tables_rules(const struct report_content *content, struct table *table);

/* What each rule cost, most processor time first, where the content has_stats; rules that met
 * nothing to try are counted in a last row. */
void content_tables_stats(const struct report_content *content, struct table *table);

/* Whether malloc has a hundredth of the RSS: else its sizes and unexplained chunks tell nothing. */
bool content_tables_matter(const struct report *report);

void content_tables_sizes(const struct report_heap *heap, struct table *table);
void content_tables_clusters(const struct report_content *content, struct table *table);

/* Appends "8 of 116 rules explain 1.2 GiB of 1.9 GiB in live chunks (62 %)." */
void content_tables_coverage(const struct report *report, struct strbuf *out);

/* Appends what rule `index` found and what to do about it, "ID, TITLE: REMEDIATION", where that is
 * a hundredth of the RSS (without a page map: of malloc's live bytes) and no diagnosis says it. */
bool content_tables_advice(const struct report *report, size_t index, struct strbuf *out);

#endif
