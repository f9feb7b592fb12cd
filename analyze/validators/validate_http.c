/* HTTP/1.x messages (RFC 9112, field syntax of RFC 9110 5). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>
#include <strings.h>

enum { HEAD_MAX_BYTES = 64 << 10 };

/* tchar of RFC 9110 5.6.2. */
static const bool token_bytes[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,  ['#'] = true,
	['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
	['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
	['`'] = true,         ['|'] = true,         ['~'] = true,
};

/* field-name ":" field-value, and the end of its line (RFC 9112 5). nginx, when it has parsed a
 * line, writes a NUL over the ":" and over the end of the value, mostly the CR
 * (ngx_http_process_request_headers of release 1.22.1). */
struct field {
	struct span name, value;
	size_t bytes;
};

/* A token may start with a digit, but no registered field does, and the lines of a log do:
 * "2024-05-01T12:00:00". */
static size_t name_length(struct span text)
{
	size_t length = 0;

	if (!text.size || !text_is_letter(text.data[0]))
		return 0;
	while (length < text.size && token_bytes[text.data[length]])
		length++;
	return length;
}

/* No control bytes but tab. */
static size_t value_length(struct span text)
{
	size_t length = text_plain_length(text);

	while (length < text.size && text.data[length] == '\t') {
		length++;
		length += text_plain_length(span_part(text, length, text.size));
	}
	return length;
}

/* LF, or CR and LF; 0 where no line ends. */
static size_t line_end_length(struct span text)
{
	return text_starts_with(text, "\r\n") ? 2 : text_starts_with(text, "\n") ? 1 : 0;
}

/* The same behind a value, and the NUL that ends one of a line that nginx has parsed. */
static size_t value_end_length(struct span text, bool is_parsed)
{
	size_t end = line_end_length(span_part(text, is_parsed, text.size));

	return is_parsed && (!text.size || text.data[0]) ? 0 : end ? is_parsed + end : 0;
}

/* The field at the start of the text; false where there is none, or its line has no end. */
static bool read_field(struct span text, struct field *field)
{
	size_t name = name_length(text), value, end;
	bool is_parsed;

	if (!name || name == text.size || (text.data[name] != ':' && text.data[name]))
		return false;
	is_parsed = !text.data[name];
	text = span_part(text, name + 1, text.size);
	value = value_length(text);
	end = value_end_length(span_part(text, value, text.size), is_parsed);
	field->name = span_make(text.data - name - 1, name);
	field->value = span_part(text, 0, value);
	field->bytes = name + 1 + value + end;
	return end > 0;
}

static bool is_content_length(struct span name)
{
	static const char wanted[] = "content-length";

	return name.size == sizeof wanted - 1 &&
		   strncasecmp((const char *)name.data, wanted, name.size) == 0;
}

/* The number, 0 where it is none. */
static size_t read_content_length(struct span text)
{
	enum { DIGITS = 15 };
	size_t value = 0, digits = 0;

	for (size_t i = 0; i < text.size && digits < DIGITS; i++) {
		uint8_t c = text.data[i];

		if (c >= '0' && c <= '9') {
			value = value * 10 + c - '0';
			digits++;
		} else if (c != ' ' && c != '\t') {
			return 0;
		}
	}
	return value;
}

/* The start line is the pattern's to check. The fields up to the blank line count, and a body of
 * Content-Length bytes where it is all there and all text: a buffer often holds the head alone, and
 * what stands behind it is then left from an earlier message. */
bool validate_http_message(struct span bytes, struct match *match)
{
	struct span head = span_part(bytes, 0, HEAD_MAX_BYTES), rest, body;
	size_t start_line = text_find(head, span_make("\n", 1)) + 1, body_bytes = 0, blank;
	struct field field;

	rest = span_part(head, start_line, head.size);
	for (; read_field(rest, &field); rest = span_part(rest, field.bytes, rest.size))
		if (is_content_length(field.name))
			body_bytes = read_content_length(field.value);
	if (start_line >= head.size || head.size - rest.size == start_line)
		return false;
	blank = line_end_length(rest);
	rest = span_part(bytes, head.size - rest.size + blank, bytes.size);
	match_extend(match, bytes.size - rest.size);
	body = span_part(rest, 0, body_bytes);
	if (blank && body.size == body_bytes) {
		size_t text = text_run_length(body);

		match_worked(match, text);
		match_extend(match, bytes.size - rest.size + (text == body_bytes ? body_bytes : 0));
	}
	return true;
}
