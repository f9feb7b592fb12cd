#include "analyze/report/table.h"

#include "analyze/report/clean.h"
#include "base/mem.h"
#include "base/size.h"
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 16, GAP = 2, NARROWEST = 7 };

void table_init(struct table *table, const struct table_column *columns)
{
	*table = (struct table){ .columns = columns };
	while (columns[table->width].title && table->width < MAX_COLUMNS)
		table->width++;
}

void table_deinit(struct table *table)
{
	for (size_t i = 0; i < table->cells.count; i++)
		free(table->cells.items[i]);
	vec_deinit(&table->cells);
}

/* Cuts the text to so many columns, its end replaced by "...". */
static void cut(struct strbuf *text, size_t columns)
{
	size_t at = 0, left = columns - 3;

	if (!columns || text_columns(strbuf_text(text)) <= columns)
		return;
	while (left-- && at < text->size)
		do
			at++;
		while (at < text->size && (text->data[at] & 0xc0) == 0x80);
	text->size = at;
	strbuf_puts(text, "...");
}

void table_cell(struct table *table, const char *text)
{
	size_t column = table->cells.count % table->width;
	struct strbuf clean = { 0 };

	clean_add(text, &clean);
	cut(&clean, table->columns[column].widest);
	*vec_add(&table->cells) = strbuf_take(&clean);
}

void table_printf(struct table *table, const char *format, ...)
{
	struct strbuf text = { 0 };
	va_list args;

	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	table_cell(table, strbuf_text(&text));
	strbuf_deinit(&text);
}

void table_size(struct table *table, bool known, uint64_t bytes)
{
	char text[SIZE_TEXT];

	table_cell(table, known ? size_format(bytes, text) : "?");
}

void table_count(struct table *table, uint64_t count)
{
	char text[SIZE_TEXT + 8];

	table_cell(table, count_format(count, text));
}

size_t table_rows(const struct table *table)
{
	return table->cells.count / table->width;
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
	return table->cells.items[row * table->width + column];
}

static void measure(const struct table *table, size_t widths[MAX_COLUMNS])
{
	for (size_t column = 0; column < table->width; column++) {
		widths[column] = text_columns(table->columns[column].title);
		for (size_t row = 0; row < table_rows(table); row++) {
			size_t width = text_columns(cell_at(table, row, column));

			widths[column] = width > widths[column] ? width : widths[column];
		}
	}
}

static bool gives_way(const struct table *table, const size_t widths[MAX_COLUMNS], size_t column)
{
	return !table->columns[column].right && widths[column] > NARROWEST;
}

/* The column that gives way next: a last one of text, then the widest of text. MAX_COLUMNS: none.
 */
static size_t next_to_narrow(const struct table *table, const size_t widths[MAX_COLUMNS])
{
	size_t most = MAX_COLUMNS;

	if (table->width && gives_way(table, widths, table->width - 1))
		return table->width - 1;
	for (size_t column = 0; column < table->width; column++)
		if (gives_way(table, widths, column) &&
			(most == MAX_COLUMNS || widths[column] > widths[most]))
			most = column;
	return most;
}

static size_t width_of(const struct table *table, const size_t widths[MAX_COLUMNS], size_t gap)
{
	size_t all = gap * (table->width - 1);

	for (size_t column = 0; column < table->width; column++)
		all += widths[column];
	return all;
}

/* Makes the columns fit, if they can. Gives the gap between them. */
static size_t narrow(const struct table *table, size_t columns, size_t widths[MAX_COLUMNS])
{
	size_t all = width_of(table, widths, GAP), next;

	for (; all > columns && (next = next_to_narrow(table, widths)) < MAX_COLUMNS; all--)
		widths[next]--;
	return all > columns ? 1 : GAP;
}

static void print_cell(const struct table_column *rule, const char *text, size_t width,
					   struct strbuf *out)
{
	struct strbuf cell = { 0 };
	size_t pad;

	strbuf_puts(&cell, text);
	cut(&cell, width);
	pad = width - text_columns(strbuf_text(&cell));
	strbuf_pad(out, ' ', rule->right ? pad : 0);
	strbuf_puts(out, strbuf_text(&cell));
	strbuf_pad(out, ' ', rule->right ? 0 : pad);
	strbuf_deinit(&cell);
}

/* One line; row == SIZE_MAX is the head. Blanks at the end are dropped. */
static void print_line(const struct table *table, const size_t widths[MAX_COLUMNS], size_t gap,
					   size_t row, size_t indent, struct strbuf *out)
{
	struct strbuf line = { 0 };

	strbuf_pad(&line, ' ', indent);
	for (size_t column = 0; column < table->width; column++) {
		const struct table_column *rule = &table->columns[column];

		strbuf_pad(&line, ' ', column ? gap : 0);
		print_cell(rule, row == SIZE_MAX ? rule->title : cell_at(table, row, column),
				   widths[column], &line);
	}
	while (line.size && line.data[line.size - 1] == ' ')
		line.data[--line.size] = '\0';
	strbuf_putc(&line, '\n');
	strbuf_add(out, line.data, line.size);
	strbuf_deinit(&line);
}

void table_text(const struct table *table, size_t indent, size_t columns, struct strbuf *out)
{
	size_t widths[MAX_COLUMNS], gap;

	measure(table, widths);
	gap = narrow(table, columns - indent, widths);
	print_line(table, widths, gap, SIZE_MAX, indent, out);
	for (size_t row = 0; row < table_rows(table); row++)
		print_line(table, widths, gap, row, indent, out);
}

/* Whether the character would be markup at that place: some only at the start of a text, and an
 * underscore inside a word never (GitHub-flavoured Markdown 6.2, "left-flanking"). */
static bool is_markup(const char *text, size_t at)
{
	if (text[at] == '_')
		return !at || !isalnum((unsigned char)text[at - 1]) ||
			   !isalnum((unsigned char)text[at + 1]);
	if (!at && strchr("#>+-=", text[at]))
		return true;
	return strchr("\\`*{}[]<|~&", text[at]) != NULL;
}

void table_markdown_text(const char *text, struct strbuf *out)
{
	struct strbuf clean = { 0 };

	clean_add(text, &clean);
	for (size_t i = 0; i < clean.size; i++) {
		if (is_markup(clean.data, i))
			strbuf_putc(out, '\\');
		strbuf_putc(out, clean.data[i]);
	}
	strbuf_deinit(&clean);
}

void table_markdown_code(const char *text, struct strbuf *out)
{
	struct strbuf clean = { 0 };

	if (!*text)
		return;
	clean_add(text, &clean);
	strbuf_putc(out, '`');
	for (size_t i = 0; i < clean.size; i++)
		if (clean.data[i] == '`')
			strbuf_putc(out, '\'');
		else if (clean.data[i] == '|')
			strbuf_puts(out, "\xc2\xa6");
		else
			strbuf_putc(out, clean.data[i]);
	strbuf_putc(out, '`');
	strbuf_deinit(&clean);
}

/* Leading blanks stand for depth in a text table; Markdown would drop them. */
static void markdown_cell(const struct table_column *column, const char *text, struct strbuf *out)
{
	size_t depth = strspn(text, " ");

	for (size_t i = 0; i < depth; i += 2)
		strbuf_puts(out, "&nbsp;&nbsp;");
	if (column->code)
		table_markdown_code(text + depth, out);
	else
		table_markdown_text(text + depth, out);
}

void table_markdown(const struct table *table, struct strbuf *out)
{
	for (size_t column = 0; column < table->width; column++)
		strbuf_printf(out, "| %s ", table->columns[column].title);
	strbuf_puts(out, "|\n");
	for (size_t column = 0; column < table->width; column++)
		strbuf_puts(out, table->columns[column].right ? "|---:" : "|---");
	strbuf_puts(out, "|\n");
	for (size_t row = 0; row < table_rows(table); row++) {
		for (size_t column = 0; column < table->width; column++) {
			strbuf_puts(out, "| ");
			markdown_cell(&table->columns[column], cell_at(table, row, column), out);
			strbuf_putc(out, ' ');
		}
		strbuf_puts(out, "|\n");
	}
}
