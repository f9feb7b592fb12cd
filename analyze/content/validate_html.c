/* HTML documents (WHATWG HTML, 13.1): a doctype, tags that only HTML has, text to the end. */
#include "analyze/content/text_run.h"
#include "analyze/content/validators.h"

#include <strings.h>

/* Offset of the tag in the text, whatever the case of its letters; text.size where it is nowhere.
 */
static size_t find_tag(struct span text, const char *tag)
{
	size_t length = span_string(tag).size;

	for (size_t at = 0; at + length <= text.size; at++)
		if (text.data[at] == '<' && strncasecmp((const char *)text.data + at, tag, length) == 0)
			return at;
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

/* Up to </html>, or as far as it is text. Provides `title`, where it has one near its start. */
bool validate_html_document(struct span bytes, struct match *match)
{
	enum { MAX_BYTES = 16 << 20, HEAD_MAX = 8 << 10, TITLE_MAX = 256 };
	static const char open[] = "<title>", close[] = "</html>";
	struct span head = span_part(bytes, 0, HEAD_MAX), text, title;
	size_t end, at;

	head = span_part(head, 0, text_run_length(head));
	if (!has_html_tag(head))
		return false;
	text = span_part(bytes, 0, text_run_length(span_part(bytes, 0, MAX_BYTES)));
	end = find_tag(text, close);
	at = find_tag(head, open);
	if (at < head.size) {
		title = span_part(text, at + sizeof open - 1, TITLE_MAX);
		match_set(match, "title", span_part(title, 0, text_find(title, span_string("<"))));
	}
	match_extend(match, end < text.size ? end + sizeof close - 1 : text.size);
	return true;
}
