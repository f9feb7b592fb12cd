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

/* field-name ":" OWS field-value, no control bytes but tab. A token may start with a digit, but no
 * registered field does, and the lines of a log do: "2024-05-01T12:00:00". */
static bool is_field(struct span line)
{
	size_t name = 0;

	if (!line.size || !text_is_letter(line.data[0]))
		return false;
	while (name < line.size && token_bytes[line.data[name]])
		name++;
	if (!name || name == line.size || line.data[name] != ':')
		return false;
	for (size_t i = name + 1; i < line.size; i++)
		if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7f)
			return false;
	return true;
}

static bool has_prefix_nocase(struct span line, const char *prefix)
{
	size_t length = strlen(prefix);

	/* most differ in the first letter */
	return line.size >= length && (line.data[0] | 32) == prefix[0] &&
		   strncasecmp((const char *)line.data, prefix, length) == 0;
}

/* The number behind "Content-Length:", 0 where it is none. */
static size_t read_content_length(struct span line)
{
	enum { DIGITS = 15 };
	size_t value = 0, digits = 0;

	for (size_t i = strlen("content-length:"); i < line.size && digits < DIGITS; i++) {
		uint8_t c = line.data[i];

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
	struct cursor cursor = cursor_make(span_part(bytes, 0, HEAD_MAX_BYTES), false);
	size_t body_bytes = 0, fields = 0;
	struct span line, body;

	if (!text_run_line(&cursor, &line))
		return false;
	while (text_run_line(&cursor, &line) && line.size) {
		if (!is_field(line))
			break;
		if (has_prefix_nocase(line, "content-length:"))
			body_bytes = read_content_length(line);
		match_extend(match, cursor.at);
		fields++;
	}
	if (!fields || line.size || !cursor_ok(&cursor))
		return fields > 0;
	match_extend(match, cursor.at);
	body = span_part(bytes, cursor.at, body_bytes);
	if (body.size == body_bytes && body_bytes) {
		size_t text = text_run_length(body);

		match_worked(match, text);
		match_extend(match, cursor.at + (text == body_bytes ? body_bytes : 0));
	}
	return true;
}
