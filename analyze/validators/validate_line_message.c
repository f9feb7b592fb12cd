/* Messages that are a line with a length and as many bytes: NATS ("Client Protocol": PUB, HPUB,
 * MSG, HMSG) and memcached (doc/protocol.txt: VALUE). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

enum { LINE_MAX = 4096 };

/* The payload and the line end behind it, where both are there. */
static bool skip_payload(struct cursor *cursor, uint64_t size)
{
	struct span end;

	if (size > cursor_left(cursor))
		return false;
	cursor_skip(cursor, size);
	end = cursor_bytes(cursor, 2);
	return cursor_ok(cursor) && span_equal(end, span_string("\r\n"));
}

/* The line at the start of the bytes; the cursor is then behind it. */
static bool first_line(struct span bytes, struct cursor *cursor, struct span *line)
{
	*cursor = cursor_make(span_part(bytes, 0, LINE_MAX), false);
	if (!text_run_line(cursor, line))
		return false;
	cursor->span = bytes;
	return true;
}

/* Every form ends with the number of bytes of the payload. */
bool validate_nats_message(struct span bytes, struct match *match)
{
	struct span line, rest, word = { 0 };
	struct cursor cursor;
	uint64_t size;

	if (!first_line(bytes, &cursor, &line))
		return false;
	for (rest = line; rest.size;)
		word = text_word(rest, &rest);
	if (!text_number(word, &size) || !skip_payload(&cursor, size))
		return false;
	match_extend(match, cursor.at);
	return true;
}

/* "VALUE" key flags bytes [cas], the data, and then the next one or END. */
bool validate_memcached_value(struct span bytes, struct match *match)
{
	static const char end[] = "END\r\n";
	struct span line, word, rest;
	struct cursor cursor;
	uint64_t flags, size;

	if (!first_line(bytes, &cursor, &line))
		return false;
	text_word(line, &rest); /* VALUE */
	text_word(rest, &rest); /* key */
	word = text_word(rest, &rest);
	if (!text_number(word, &flags))
		return false;
	word = text_word(rest, &rest);
	if (!text_number(word, &size) || !skip_payload(&cursor, size))
		return false;
	rest = span_part(bytes, cursor.at, LINE_MAX);
	if (text_starts_with(rest, end))
		cursor_skip(&cursor, sizeof end - 1);
	else if (!text_starts_with(rest, "VALUE "))
		return false;
	match_extend(match, cursor.at);
	return true;
}
