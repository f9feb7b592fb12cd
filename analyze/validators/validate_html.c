/* HTML documents (WHATWG HTML, 13.1): a doctype, tags that only HTML has, text to the end. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>
#include <strings.h>

/* Offset of the tag in the text, whatever the case of its letters; text.size where it is nowhere.
 */
static size_t find_tag(struct span text, const char *tag)
{
	size_t length = span_string(tag).size;

	for (size_t at = 0; at + length <= text.size; at++) {
		const uint8_t *next = memchr(text.data + at, '<', text.size - at - length + 1);

		if (!next)
			break;
		at = (size_t)(next - text.data);
		if (strncasecmp((const char *)next, tag, length) == 0)
			return at;
	}
	return text.size;
}

static bool has_html_tag(struct span head)
{
	static const char *const tags[] = { "<html", "<head", "<body", "<title", "<meta" };

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (find_tag(head, tags[i]) < head.size)
			return true;
	return false;
}

/* Bytes of the document: up to </html>, or as far as it is text. */
static size_t document_length(struct span bytes, struct match *match)
{
	enum { MAX_BYTES = 1 << 20 };
	static const char close[] = "</html>";
	struct span document = span_part(bytes, 0, MAX_BYTES);
	size_t end = find_tag(document, close);

	match_worked(match, end);
	if (end < document.size)
		document = span_part(document, 0, end + sizeof close - 1);
	return text_run_length(document);
}

/* Provides `title`, where it has one near its start. */
bool validate_html_document(struct span bytes, struct match *match)
{
	enum { HEAD_MAX = 8 << 10, TITLE_MAX = 256 };
	static const char open[] = "<title>";
	struct span head = span_part(bytes, 0, HEAD_MAX), title;
	size_t at;

	head = span_part(head, 0, text_run_length(head));
	if (!has_html_tag(head))
		return false;
	at = find_tag(head, open);
	if (at < head.size) {
		title = span_part(head, at + sizeof open - 1, TITLE_MAX);
		match_set(match, "title", span_part(title, 0, text_find(title, span_string("<"))));
	}
	match_extend(match, document_length(bytes, match));
	return true;
}
