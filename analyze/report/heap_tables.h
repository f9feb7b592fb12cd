/* heap_tables: the tables about malloc's arenas, for people. */
#ifndef ANALYZE_REPORT_HEAP_TABLES_H
#define ANALYZE_REPORT_HEAP_TABLES_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Those that take a table initialise it; the caller ends with table_deinit. */

/* The arenas with most memory and their threads, a row for the rest, a row for all. */
void heap_tables_arenas(const struct report_heap *heap, bool has_residency, struct table *table);

/* Freed chunks by kind: bytes, resident, gone (no longer or never resident). */
void heap_tables_free(const struct report_heap *heap, bool has_residency, struct table *table);

/* Heaps that few chunks keep, those with most first, and what those chunks are. No row where there
 * is none. */
void heap_tables_pins(const struct report_heap *heap, bool has_residency, struct table *table);

/* Appends "malloc_trim(0) would give back 97 MiB; 21 MiB are pinned: 18 MiB on pages of 312 live
 * chunks, …". */
void heap_tables_trim(const struct report_heap *heap, struct strbuf *out);

/* Appends "Outside the arenas: 1 mmapped chunk, 64 MiB."; nothing where there is none. */
void heap_tables_mmapped(const struct report_heap *heap, struct strbuf *out);

/* Appends the names of an arena's threads: those that differ in the number at their end only are
 * one, with their count; most threads first, the rest as "+N more". Where none has a name: "tid
 * 4711, 4712, +5 more". */
void heap_tables_threads(const struct report_arena *arena, struct strbuf *out);

#endif
