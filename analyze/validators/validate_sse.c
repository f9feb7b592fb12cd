/* Server-sent events (WHATWG HTML, 9.2.6 "Interpreting an event stream"): lines of fields, an empty
 * line behind each event. */
#include "analyze/validators/json_text.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

struct event {
	struct span name, data; /* of its first data line */
};

/* The value of a field, without the one blank that may stand before it. */
static bool take_field(struct span line, const char *field, struct span *value)
{
	if (!text_starts_with(line, field))
		return false;
	*value = span_part(line, span_string(field).size, line.size);
	if (value->size && value->data[0] == ' ')
		*value = span_part(*value, 1, value->size);
	return true;
}

/* A line of an event: one of its four fields or a comment, all of it text. */
static bool read_field(struct span line, struct event *event)
{
	struct span value;

	if (!text_run_is_all(line))
		return false;
	if (take_field(line, "data:", &value)) {
		event->data = event->data.data ? event->data : value;
		return true;
	}
	if (take_field(line, "event:", &value)) {
		event->name = value;
		return true;
	}
	return take_field(line, "id:", &value) || take_field(line, "retry:", &value) ||
		   (line.size && line.data[0] == ':');
}

/* An event with its empty line. */
static bool read_event(struct cursor *cursor, struct event *event)
{
	struct span line;

	*event = (struct event){ 0 };
	while (text_run_line(cursor, &line)) {
		if (!line.size)
			return event->data.data != NULL;
		if (!read_field(line, event))
			return false;
	}
	return false;
}

/* A first event whose data is JSON, and as many as follow it. Provides `event`: its name, and the
 * keys of its data where it has none. */
bool validate_sse_event(struct span bytes, struct match *match)
{
	enum { LARGEST = 4 << 20 };
	struct cursor cursor = cursor_make(span_part(bytes, 0, LARGEST), false);
	struct event first, next;
	bool good = read_event(&cursor, &first);

	match_worked(match, cursor.at);
	if (!good || !first.data.size || json_text_length(first.data, match) != first.data.size)
		return false;
	match_set(match, "event", first.name.size ? first.name : match_find(match, "keys")->text);
	do
		match_extend(match, cursor.at);
	while (read_event(&cursor, &next));
	match_worked(match, cursor.at);
	return true;
}
