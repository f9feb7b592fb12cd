/* table: rows of cells, printed as aligned text or as a Markdown table. */
#ifndef ANALYZE_REPORT_TABLE_H
#define ANALYZE_REPORT_TABLE_H

#include "base/strbuf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct table_column {
	const char *title; /* NULL ends the list */
	bool right;        /* aligned */
	bool code;         /* an id or a key: fenced in Markdown */
	unsigned widest;   /* columns; what is longer is cut and ends in "..."; 0: no limit */
};

struct table {
	const struct table_column *columns;
	size_t width;      /* number of columns */
	VEC(char *) cells; /* row by row */
};

/* `columns` must outlive the table and ends with a title NULL. */
void table_init(struct table *table, const struct table_column *columns);
void table_deinit(struct table *table);

/* Adds the next cell; the text is cleaned (clean_add) and copied. */
void table_cell(struct table *table, const char *text);
void table_printf(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a size in IEC units, or "?" where it is not known. A count with thousands separators. */
void table_size(struct table *table, bool known, uint64_t bytes);
void table_count(struct table *table, uint64_t count);

size_t table_rows(const struct table *table);

/* Appends the table: a head, then the rows, `indent` blanks before each line. Where it is wider
 * than `columns`, columns of text give way, the last first, then the widest: their cells are
 * cut and end in "...". Numbers are never cut; TABLE_COLUMNS are enough for every table's. */
enum { TABLE_COLUMNS = 100 };
void table_text(const struct table *table, size_t indent, size_t columns, struct strbuf *out);

/* Appends a GitHub-flavoured Markdown table. */
void table_markdown(const struct table *table, struct strbuf *out);

/* Appends the text so that Markdown takes it literally: markup characters and pipes are escaped. */
void table_markdown_text(const char *text, struct strbuf *out);

/* Appends `text` fenced as code; a backtick or a pipe in it becomes a quote or a broken bar, which
 * no dialect of Markdown trips over. Nothing where the text is empty. */
void table_markdown_code(const char *text, struct strbuf *out);

#endif
