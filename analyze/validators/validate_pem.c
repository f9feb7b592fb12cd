/* PEM text (RFC 7468, RFC 1421 4.6 for the headers of old keys, RFC 4880 6.2 for OpenPGP's
 * armour). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

enum {
	BODY_LEAST = 40, /* digits; a key of 32 bytes in PKCS#8 has 64 */
	LINE_MAX = 8192, /* writers wrap at 64 to 76; some put all into one line */
	BLOCK_MAX_BYTES = 1 << 20,
};

static bool is_text(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c <= '~');
}

/* Bytes of the line end there: LF, CR LF, or their escapes where the text is in JSON or a property
 * file; 0 for none. */
static size_t line_end(struct span bytes, size_t at)
{
	static const char *const ends[] = { "\r\n", "\n", "\\r\\n", "\\n", "\r" };
	uint8_t first = at < bytes.size ? bytes.data[at] : 0;

	if (first != '\r' && first != '\n' && first != '\\')
		return 0;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct span end = span_string(ends[i]);

		if (span_equal(span_part(bytes, at, end.size), end))
			return end.size;
	}
	return 0;
}

/* "Proc-Type: 4,ENCRYPTED", or what continues it after a blank. */
static bool is_header(struct span line)
{
	const uint8_t *colon = line.size ? memchr(line.data, ':', line.size) : NULL;

	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] < ' ' || line.data[i] > '~')
			return false;
	return line.size && (line.data[0] == ' ' || (colon && colon < line.data + line.size - 1 &&
												 colon > line.data && colon[1] == ' '));
}

/* The line at `at` without its end. Its end may be missing: at the end of the chunk, or at a byte
 * that is no text. */
static struct span line_at(struct span bytes, size_t at)
{
	size_t size = 0;

	while (at + size < bytes.size && size < LINE_MAX && is_text(bytes.data[at + size]) &&
		   !line_end(bytes, at + size))
		size++;
	return span_part(bytes, at, size);
}

/* "-----BEGIN label-----": the label, and where its line ends. */
static bool read_label(struct span bytes, struct span *label, size_t *at)
{
	struct span begin = span_string("-----BEGIN "), line = line_at(bytes, 0);

	if (line.size <= begin.size + 5 || !span_equal(span_part(line, 0, begin.size), begin) ||
		!span_equal(span_part(line, line.size - 5, 5), span_string("-----")))
		return false;
	*label = span_part(line, begin.size, line.size - begin.size - 5);
	*at = line.size + line_end(bytes, line.size);
	return *at > line.size;
}

/* Bytes of "-----END label-----" there, 0 where it is not. */
static size_t end_bytes(struct span bytes, size_t at, struct span label)
{
	struct span end = span_string("-----END "), dashes = span_string("-----");
	size_t bytes_all = end.size + label.size + dashes.size;

	return span_equal(span_part(bytes, at, end.size), end) &&
				   span_equal(span_part(bytes, at + end.size, label.size), label) &&
				   span_equal(span_part(bytes, at + end.size + label.size, dashes.size), dashes)
			   ? bytes_all
			   : 0;
}

/* Lines of base64 up to the end line with the same label, or as far as they go: of a key that is
 * partly overwritten the rest is a secret still. */
bool validate_pem(struct span bytes, struct match *match)
{
	size_t at, digits = 0, end;
	struct span label, line;

	bytes = span_part(bytes, 0, BLOCK_MAX_BYTES);
	if (!read_label(bytes, &label, &at))
		return false;
	while (!(end = end_bytes(bytes, at, label))) {
		size_t body, break_bytes;

		line = line_at(bytes, at);
		body = text_span_of(line, text_is_base64);
		if (body == line.size || digits || !is_header(line)) {
			digits += body;
			at += body;
		} else {
			at += line.size;
		}
		break_bytes = line_end(bytes, at);
		if (!break_bytes)
			break;
		at += break_bytes;
	}
	match_worked(match, at);
	match_extend(match, at + end);
	return digits >= BODY_LEAST;
}
