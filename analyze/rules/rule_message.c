#include "analyze/rules/rule_message.h"

#include "base/strbuf.h"
#include "base/text.h"

#include <stdarg.h>
#include <string.h>

struct span rule_source_line(const struct rule_source *source, size_t line)
{
	struct cursor cursor = cursor_make(source->text, false);
	struct span bytes = { 0 };

	for (size_t i = 0; i < line; i++)
		if (!cursor_line(&cursor, &bytes))
			return (struct span){ 0 };
	if (bytes.size && bytes.data[bytes.size - 1] == '\r')
		bytes.size--;
	return bytes;
}

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t rule_source_column_offset(struct span line, size_t column)
{
	size_t offset = 0;

	for (size_t at = 1; at < column && offset < line.size; at++)
		for (offset++; offset < line.size && is_continuation(line.data[offset]);)
			offset++;
	return offset;
}

size_t rule_source_offset_column(struct span line, size_t offset)
{
	size_t column = 1;

	for (size_t i = 0; i < offset && i < line.size; i++)
		column += !is_continuation(line.data[i]);
	/* a byte inside a character belongs to that character */
	if (offset < line.size && is_continuation(line.data[offset]))
		column--;
	return column;
}

static void put_head(struct strbuf *text, const struct rule_sink *sink, struct rule_place place,
					 const char *code)
{
	if (place.source)
		strbuf_puts(text, place.source->path);
	if (place.source && place.line)
		strbuf_printf(text, ":%zu:%zu", place.line, place.column);
	if (place.source)
		strbuf_puts(text, ": ");
	strbuf_printf(text, "%s[%s] ", code[0] == 'W' ? "warning" : "error", code);
	if (sink->rule)
		strbuf_printf(text, "rule '%s': ", sink->rule);
}

void rule_message_quote(struct span text, struct strbuf *out)
{
	while (text.size) {
		const uint8_t *backslash = memchr(text.data, '\\', text.size);
		size_t length = backslash ? (size_t)(backslash - text.data) : text.size;

		text_escape(span_part(text, 0, length), out);
		if (backslash)
			strbuf_putc(out, '\\');
		text = span_part(text, length + 1, text.size);
	}
}

/* Shows at most CONTEXT bytes on each side of the place, so that a minified file stays readable. */
static void put_caret(struct strbuf *text, struct rule_place place)
{
	enum { CONTEXT = 70 };
	struct span line = rule_source_line(place.source, place.line);
	size_t offset = rule_source_column_offset(line, place.column);
	size_t from = offset > CONTEXT ? offset - CONTEXT : 0;
	struct strbuf before = { 0 };
	int digits = 0;

	while (from && is_continuation(line.data[from]))
		from--;
	for (size_t n = place.line; n; n /= 10)
		digits++;
	rule_message_quote(span_part(line, from, offset - from), &before);
	strbuf_printf(text, "\n  %zu | %s", place.line, strbuf_text(&before));
	rule_message_quote(span_part(line, offset, CONTEXT), text);
	if (line.size - offset > CONTEXT)
		strbuf_puts(text, "...");
	strbuf_printf(text, "\n  %*s | %*s^", digits, "", (int)text_columns(strbuf_text(&before)), "");
	strbuf_deinit(&before);
}

bool rule_message_add(struct rule_sink *sink, struct rule_place place, const char *code,
					  const char *format, ...)
{
	struct rule_message *message = vec_add(sink->messages);
	struct strbuf text = { 0 };
	size_t head;
	va_list args;

	put_head(&text, sink, place, code);
	head = text.size;
	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	*message = (struct rule_message){
		.is_error = code[0] != 'W',
		.code = pool_string(sink->pool, code),
		.what = pool_string(sink->pool, strbuf_text(&text) + head),
		.rule = sink->rule ? pool_string(sink->pool, sink->rule) : NULL,
		.file = place.source ? place.source->path : NULL,
		.file_number = place.source ? place.source->number : 0,
		.line = place.line,
		.column = place.line ? place.column : 0,
	};
	if (place.source && rule_source_line(place.source, place.line).size)
		put_caret(&text, place);
	message->text = pool_string(sink->pool, strbuf_text(&text));
	sink->errors += message->is_error;
	strbuf_deinit(&text);
	return false;
}

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* Those of one place stay in the order in which they were found. */
static int compare_places(const void *left, const void *right)
{
	const struct rule_message *a = left, *b = right;
	int order = compare_numbers(a->file_number, b->file_number);

	order = order ? order : compare_numbers(a->line, b->line);
	order = order ? order : compare_numbers(a->column, b->column);
	return order ? order : compare_numbers(a->number, b->number);
}

void rule_messages_sort(rule_messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		messages->items[i].number = i;
	vec_sort(messages, compare_places);
}
