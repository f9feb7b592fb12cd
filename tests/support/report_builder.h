/* report_builder: fabricated reports, for tests of what is made of one. */
#ifndef TESTS_SUPPORT_REPORT_BUILDER_H
#define TESTS_SUPPORT_REPORT_BUILDER_H

#include "analyze/report/model.h"

/* A JVM whose RSS is far over -Xmx: 18 arenas with many threads, inflaters live and stale. */
void report_builder_java(struct report *report);

/* A threaded server from a core of gdb: no page map, no smaps, one arena was locked. */
void report_builder_foreign(struct report *report);

/* A process without a glibc heap, captured live and cut short, with anomalies. */
void report_builder_damaged(struct report *report);

/* Every text of the report is hostile: control bytes, terminal escapes, invalid UTF-8, Markdown and
 * HTML, 300 columns without a blank. */
void report_builder_hostile(struct report *report);

/* The hostile text. */
extern const char report_builder_poison[];

#endif
