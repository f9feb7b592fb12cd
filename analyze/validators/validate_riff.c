/* RIFF: WAV, AVI and WebP (Multimedia Programming Interface and Data Specifications 1.0, IBM and
 * Microsoft 1991, chapter 2; RFC 9649 2.3 for WebP). */
#include "analyze/validators/validators.h"

#include <string.h>

enum { HEADER_BYTES = 12, MOST_CHUNKS = 1 << 16 };

/* First chunks that a file of a form has. */
static const struct {
	char form[5], first[5];
} known[] = {
	{ "WAVE", "fmt " }, { "WAVE", "JUNK" }, { "WAVE", "bext" },
	{ "WAVE", "LIST" }, { "WAVE", "fact" }, { "AVI ", "LIST" },
	{ "WEBP", "VP8 " }, { "WEBP", "VP8L" }, { "WEBP", "VP8X" },
};

static bool first_is_known(struct span form, struct span first)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (span_equal(form, span_string(known[i].form)) &&
			span_equal(first, span_string(known[i].first)))
			return true;
	return false;
}

static bool tag_is_printable(struct span tag)
{
	for (size_t i = 0; i < tag.size; i++)
		if (tag.data[i] < ' ' || tag.data[i] > '~')
			return false;
	return tag.size == 4;
}

/* Chunks inside the form, as far as they are whole. */
static void walk(struct cursor cursor, struct match *match)
{
	for (unsigned i = 0; i < MOST_CHUNKS; i++) {
		struct span tag = cursor_bytes(&cursor, 4);
		size_t size = cursor_u32(&cursor);

		cursor_skip(&cursor, size + (size & 1));
		if (!cursor_ok(&cursor) || !tag_is_printable(tag))
			return;
		match_extend(match, cursor.at);
	}
}

bool validate_riff(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, false), chunks;
	size_t size, first_size;
	struct span form, first;

	cursor_skip(&cursor, 4);
	size = cursor_u32(&cursor);
	form = cursor_bytes(&cursor, 4);
	first = cursor_bytes(&cursor, 4);
	first_size = cursor_u32(&cursor);
	/* a writer of a stream leaves the size at 0 or at its maximum */
	if (!cursor_ok(&cursor) || !first_is_known(form, first) ||
		(size && (size < 12 || first_size > size - 12)))
		return false;
	match_set(match, "form", form);
	match_extend(match, HEADER_BYTES);
	chunks = cursor_make(span_part(bytes, 0, size ? size + 8 : bytes.size), false);
	cursor_skip(&chunks, HEADER_BYTES);
	walk(chunks, match);
	return true;
}
