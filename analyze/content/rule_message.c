#include "analyze/content/rule_message.h"

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
	strbuf_printf(text, "\n  %*s | %*s^", digits, "", (int)text_columns(strbuf_text(&before)), "");
	strbuf_deinit(&before);
}

static void add(struct rule_sink *sink, const char *code, struct strbuf *text)
{
	bool is_error = code[0] != 'W';

	*vec_add(sink->messages) = (struct rule_message){
		.is_error = is_error,
		.text = pool_string(sink->pool, strbuf_text(text)),
	};
	sink->errors += is_error;
	strbuf_deinit(text);
}

bool rule_message_add(struct rule_sink *sink, struct rule_place place, const char *code,
					  const char *format, ...)
{
	struct strbuf text = { 0 };
	va_list args;

	put_head(&text, sink, place, code);
	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	add(sink, code, &text);
	return false;
}

bool rule_message_add_caret(struct rule_sink *sink, struct rule_place place, const char *code,
							const char *format, ...)
{
	struct strbuf text = { 0 };
	va_list args;

	put_head(&text, sink, place, code);
	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	if (place.source && place.line)
		put_caret(&text, place);
	add(sink, code, &text);
	return false;
}
