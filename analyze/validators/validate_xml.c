/* XML documents (XML 1.0, fifth edition): a walk over the tags. Whatever the text between them is,
 * elements must nest. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

/* A piece is one comment, or the text between two tags. */
enum { MAX_DEPTH = 64, MAX_BYTES = 64 << 20, MAX_PIECE = 1 << 20, MAX_NAME = 128 };

struct walk {
	struct cursor cursor;
	struct span open[MAX_DEPTH]; /* names of the open elements, prefix included */
	unsigned depth;
	struct span root, operation; /* local names */
	size_t searched;             /* bytes in which an end was looked for */
	bool done;                   /* the root element is closed */
};

static bool is_name_byte(uint8_t c)
{
	return c >= 0x80 || text_is_letter(c) || text_is_digit(c) || (c && strchr(":_-.", c));
}

/* A name (2.3, [5]). */
static struct span take_name(struct cursor *cursor)
{
	struct span rest = span_part(cursor->span, cursor->at, MAX_NAME);
	size_t size = 0;

	while (size < rest.size && is_name_byte(rest.data[size]))
		size++;
	if (size && (text_is_digit(rest.data[0]) || rest.data[0] == '-' || rest.data[0] == '.'))
		size = 0;
	return cursor_bytes(cursor, size);
}

static struct span local_name(struct span name)
{
	const uint8_t *colon = name.size ? memchr(name.data, ':', name.size) : NULL;

	return colon ? span_part(name, (size_t)(colon - name.data) + 1, name.size) : name;
}

/* Skips up to and over `end`, through text. */
static bool skip_past(struct walk *walk, const char *end)
{
	struct span rest = span_part(walk->cursor.span, walk->cursor.at, MAX_PIECE);
	struct span wanted = span_string(end);
	size_t at = text_find(rest, wanted);

	walk->searched += at;
	if (at == rest.size || !text_run_is_all(span_part(rest, 0, at)))
		return false;
	cursor_skip(&walk->cursor, at + wanted.size);
	return true;
}

/* The rest of a start tag: attributes up to ">". A "<" may not stand in it (3.1, [40] and [10]). */
static bool skip_attributes(struct walk *walk, bool *empty)
{
	uint8_t quote = 0, before = 0;

	for (;;) {
		uint8_t c = cursor_u8(&walk->cursor);

		if (!cursor_ok(&walk->cursor) || c == '<' ||
			(c < ' ' && c != '\t' && c != '\n' && c != '\r'))
			return false;
		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
		} else if (!quote && c == '>') {
			*empty = before == '/';
			return true;
		}
		before = c;
	}
}

/* What a SOAP message is about: the first element of the Body (SOAP 1.2 part 1, 5.3). */
static void note_element(struct walk *walk, struct span name)
{
	if (!walk->depth)
		walk->root = local_name(name);
	if (walk->depth == 2 && !walk->operation.data &&
		span_equal(local_name(walk->open[1]), span_string("Body")) &&
		span_equal(walk->root, span_string("Envelope")))
		walk->operation = local_name(name);
}

static bool start_tag(struct walk *walk)
{
	struct span name = take_name(&walk->cursor);
	bool empty;

	if (!name.size || walk->depth == MAX_DEPTH || !skip_attributes(walk, &empty))
		return false;
	note_element(walk, name);
	if (!empty)
		walk->open[walk->depth++] = name;
	walk->done = !walk->depth;
	return true;
}

static bool end_tag(struct walk *walk)
{
	struct span name = take_name(&walk->cursor);

	if (!walk->depth || !span_equal(name, walk->open[walk->depth - 1]) || !skip_past(walk, ">"))
		return false;
	walk->done = !--walk->depth;
	return true;
}

static bool skip_doctype(struct walk *walk)
{
	struct span rest = span_part(walk->cursor.span, walk->cursor.at, MAX_PIECE);
	bool subset = text_find(rest, span_string("[")) < text_find(rest, span_string(">"));

	return skip_past(walk, subset ? "]" : ">") && (!subset || skip_past(walk, ">"));
}

/* One piece of markup, its "<" included. */
static bool markup(struct walk *walk)
{
	struct span rest = span_part(walk->cursor.span, walk->cursor.at, 16);

	if (text_starts_with(rest, "<?"))
		return skip_past(walk, "?>");
	if (text_starts_with(rest, "<!--"))
		return skip_past(walk, "-->");
	if (text_starts_with(rest, "<![CDATA["))
		return walk->depth && skip_past(walk, "]]>");
	if (text_starts_with(rest, "<!DOCTYPE"))
		return !walk->root.data && skip_doctype(walk);
	cursor_skip(&walk->cursor, 1);
	if (!text_starts_with(rest, "</"))
		return start_tag(walk);
	cursor_skip(&walk->cursor, 1);
	return end_tag(walk);
}

/* Text up to the next markup; only blanks outside of the root element. */
static bool skip_text(struct walk *walk)
{
	struct span rest = span_part(walk->cursor.span, walk->cursor.at, MAX_PIECE);
	size_t size = text_find(rest, span_string("<"));

	walk->searched += size;
	if (size == rest.size || !text_run_is_all(span_part(rest, 0, size)))
		return false;
	for (size_t i = 0; i < size && !walk->depth; i++)
		if (!strchr(" \t\r\n", rest.data[i]))
			return false;
	cursor_skip(&walk->cursor, size);
	return true;
}

/* Walks as far as it goes; the extent is the end of the last piece of markup. */
static void walk_document(struct walk *walk, struct span bytes, struct match *match)
{
	*walk = (struct walk){ .cursor = cursor_make(span_part(bytes, 0, MAX_BYTES), false) };
	while (!walk->done && skip_text(walk) && markup(walk))
		match_extend(match, walk->cursor.at);
	match_worked(match, walk->cursor.at + walk->searched);
}

/* A document whose root element is at least begun. Provides `root`, its local name. */
bool validate_xml_document(struct span bytes, struct match *match)
{
	struct walk walk;

	walk_document(&walk, bytes, match);
	match_set(match, "root", walk.root);
	return walk.root.data != NULL;
}

/* A SOAP Envelope with something in its Body. Provides `operation`, the local name of that. */
bool validate_soap_envelope(struct span bytes, struct match *match)
{
	struct walk walk;

	walk_document(&walk, bytes, match);
	match_set(match, "operation", walk.operation);
	return walk.operation.data != NULL;
}
