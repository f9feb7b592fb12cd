/* STOMP frames (STOMP 1.2, "STOMP Frames" and "Augmented BNF"): a command, header lines, an empty
 * line, a body, a NUL. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <string.h>

/* Headers a frame must have, by command ("Client Frames", "Server Frames"). */
static const struct {
	const char *command, *header;
} required[] = {
	{ "CONNECT", "accept-version" }, { "STOMP", "accept-version" },  { "CONNECTED", "version" },
	{ "SEND", "destination" },       { "SUBSCRIBE", "destination" }, { "MESSAGE", "destination" },
	{ "RECEIPT", "receipt-id" },
};

static const char *required_header(struct span command)
{
	for (size_t i = 0; i < sizeof required / sizeof *required; i++)
		if (span_equal(command, span_string(required[i].command)))
			return required[i].header;
	return NULL;
}

/* name ":" value, both printable. Gives the name's size, 0 where it is none. */
static size_t header_name(struct span line)
{
	const uint8_t *colon = line.size ? memchr(line.data, ':', line.size) : NULL;

	return colon && text_run_is_all(line) ? (size_t)(colon - line.data) : 0;
}

struct head {
	bool found; /* the required header */
	struct span destination;
	uint64_t length; /* of the body */
	bool has_length;
};

/* The header lines up to the empty one. */
static bool read_head(struct cursor *cursor, const char *wanted, struct head *head)
{
	struct span line = { 0 };

	*head = (struct head){ 0 };
	while (text_run_line(cursor, &line) && line.size) {
		size_t size = header_name(line);
		struct span name = span_part(line, 0, size), value = span_part(line, size + 1, line.size);

		if (!size)
			return false;
		head->found |= span_equal(name, span_string(wanted));
		if (span_equal(name, span_string("destination")))
			head->destination = value;
		if (span_equal(name, span_string("content-length")))
			head->has_length = text_number(value, &head->length);
	}
	return cursor_ok(cursor) && cursor->at && !line.size && head->found;
}

/* The NUL at the end of the body: where content-length says, else the first one. */
static bool skip_body(struct cursor *cursor, const struct head *head, struct match *match)
{
	enum { LARGEST = 1 << 20 };
	struct span rest = span_part(cursor->span, cursor->at, LARGEST);
	size_t nul = head->has_length ? (size_t)head->length : text_find(rest, span_make("", 1));

	match_worked(match, head->has_length ? 0 : nul);
	if (nul >= rest.size || rest.data[nul])
		return false;
	cursor_skip(cursor, nul + 1);
	return true;
}

/* A whole frame. Provides `destination`, for frames without one their command. */
bool validate_stomp_frame(struct span bytes, struct match *match)
{
	enum { HEAD_MAX = 16 << 10 };
	struct cursor cursor = cursor_make(span_part(bytes, 0, HEAD_MAX), false);
	struct span command;
	const char *header;
	struct head head;

	if (!text_run_line(&cursor, &command) || !(header = required_header(command)) ||
		!read_head(&cursor, header, &head))
		return false;
	cursor.span = bytes;
	if (!skip_body(&cursor, &head, match))
		return false;
	match_extend(match, cursor.at);
	match_set(match, "destination", head.destination.data ? head.destination : command);
	return true;
}
