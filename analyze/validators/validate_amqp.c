/* AMQP 0-9-1 frames (specification 2.3.5 and 4.2.3) that carry a message: a method of class basic
 * whose arguments fill its frame, the end octet, and the frames behind it. */
#include "analyze/validators/match_list.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

enum { METHOD = 1, HEADER = 2, BODY = 3, HEARTBEAT = 8, FRAME_END = 0xce, BASIC = 60 };
enum { PUBLISH = 40, DELIVER = 60, GET_OK = 71 };

struct frame {
	uint8_t type;
	uint16_t channel;
	struct span payload;
};

static bool read_frame(struct cursor *cursor, struct frame *frame)
{
	frame->type = cursor_u8(cursor);
	frame->channel = cursor_u16(cursor);
	frame->payload = cursor_bytes(cursor, cursor_u32(cursor));
	return cursor_u8(cursor) == FRAME_END && cursor_ok(cursor) &&
		   (frame->type == HEARTBEAT || (frame->type >= METHOD && frame->type <= BODY));
}

static struct span read_shortstr(struct cursor *cursor)
{
	struct span text = cursor_bytes(cursor, cursor_u8(cursor));

	if (!text_run_is_all(text))
		cursor->failed = true;
	return text;
}

/* What stands around exchange and routing key: see basic.publish, deliver and get-ok in the class
 * reference. */
static bool read_method(struct cursor *cursor, struct span *exchange, struct span *key)
{
	uint16_t class_id = cursor_u16(cursor), method = cursor_u16(cursor);

	if (class_id != BASIC || (method != PUBLISH && method != DELIVER && method != GET_OK))
		return false;
	if (method == DELIVER)
		read_shortstr(cursor); /* consumer tag */
	if (method == PUBLISH)
		cursor_skip(cursor, 2); /* reserved */
	else
		cursor_skip(cursor, 9); /* delivery tag, redelivered */
	*exchange = read_shortstr(cursor);
	*key = read_shortstr(cursor);
	if (method == PUBLISH)
		cursor_skip(cursor, 1); /* mandatory, immediate */
	if (method == GET_OK)
		cursor_skip(cursor, 4); /* messages left */
	return cursor_ok(cursor) && !cursor_left(cursor);
}

/* The method and all whole frames of the same message. Provides `route`: exchange and routing key.
 */
bool validate_amqp_message(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true), method;
	struct frame first, next;
	struct span exchange, key;

	if (!read_frame(&cursor, &first) || first.type != METHOD || !first.channel)
		return false;
	method = cursor_make(first.payload, true);
	if (!read_method(&method, &exchange, &key))
		return false;
	do
		match_extend(match, cursor.at);
	while (read_frame(&cursor, &next) && next.channel == first.channel &&
		   (next.type == HEADER || next.type == BODY));
	match_list_begin(match);
	match_list_add(match, 0, exchange.size ? exchange : span_string("(default)"));
	match_list_add(match, '/', key);
	match_list_end(match, "route");
	return true;
}
