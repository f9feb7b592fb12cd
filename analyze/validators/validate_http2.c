/* HTTP/2 frames (RFC 9113 4.1 and 6): headers whose lengths lead from one to the next. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* 3.4 */

/* The longest frame that is believed. 16 KiB unless the peer allows more (6.5.2). */
enum { LARGEST = 1 << 20 };

enum stream { CONNECTION, STREAM, EITHER };

/* What a frame of a type may look like, by type: 6.1 to 6.10. */
static const struct frame_type {
	const char *name;
	uint8_t flags; /* those that are defined */
	enum stream stream;
	uint32_t least, most;
} types[] = {
	{ "DATA", 0x09, STREAM, 0, LARGEST },
	{ "HEADERS", 0x2d, STREAM, 1, LARGEST },
	{ "PRIORITY", 0, STREAM, 5, 5 },
	{ "RST_STREAM", 0, STREAM, 4, 4 },
	{ "SETTINGS", 0x01, CONNECTION, 0, 6 * 64 },
	{ "PUSH_PROMISE", 0x0c, STREAM, 4, LARGEST },
	{ "PING", 0x01, CONNECTION, 8, 8 },
	{ "GOAWAY", 0, CONNECTION, 8, LARGEST },
	{ "WINDOW_UPDATE", 0, EITHER, 4, 4 },
	{ "CONTINUATION", 0x04, STREAM, 1, LARGEST },
};

enum {
	TYPES = sizeof types / sizeof *types,
	DATA = 0,
	SETTINGS = 4,
	WINDOW_UPDATE = 8,
	GRPC = TYPES
};

struct frame {
	unsigned type;
	uint8_t flags;
	struct span payload;
};

/* A gRPC message (PROTOCOL-HTTP2.md, Length-Prefixed-Message) that fills its DATA frame. */
static bool is_grpc(const struct frame *frame)
{
	struct cursor cursor = cursor_make(frame->payload, true);
	uint8_t compressed = cursor_u8(&cursor);
	uint32_t length = cursor_u32(&cursor);

	return frame->type == DATA && !(frame->flags & 0x08) && cursor_ok(&cursor) && compressed <= 1 &&
		   length && length == cursor_left(&cursor);
}

/* Identifiers that are registered (6.5.2; 8 of RFC 8441, 9 of RFC 9218), or sent so that peers
 * learn to ignore what they do not know (RFC 8701 2: 0x?a?a). */
static bool are_settings(struct cursor cursor)
{
	while (cursor_left(&cursor)) {
		uint16_t identifier = cursor_u16(&cursor);

		cursor_skip(&cursor, 4); /* value */
		if ((!identifier || identifier > 9) && (identifier & 0x0f0f) != 0x0a0a)
			return false;
	}
	return cursor_ok(&cursor);
}

/* SETTINGS come in pairs of six bytes, none in an acknowledgment (6.5); a window grows by at least
 * one (6.9). */
static bool payload_fits(const struct frame *frame)
{
	struct cursor cursor = cursor_make(frame->payload, true);
	uint32_t increment;

	if (frame->type == SETTINGS)
		return frame->payload.size % 6 == 0 && !(frame->flags && frame->payload.size) &&
			   are_settings(cursor);
	increment = cursor_u32(&cursor);
	return frame->type != WINDOW_UPDATE || (increment && increment >> 31 == 0);
}

/* A whole frame. Stream numbers above 2^24 are not believed. */
static bool read_frame(struct cursor *cursor, struct frame *frame)
{
	uint32_t length = (uint32_t)cursor_u8(cursor) << 16 | cursor_u16(cursor), stream;
	const struct frame_type *type;

	frame->type = cursor_u8(cursor);
	frame->flags = cursor_u8(cursor);
	stream = cursor_u32(cursor);
	if (!cursor_ok(cursor) || frame->type >= TYPES || stream >> 24)
		return false;
	type = &types[frame->type];
	if (frame->flags & ~type->flags || length < type->least || length > type->most ||
		(type->stream == STREAM && !stream) || (type->stream == CONNECTION && stream))
		return false;
	frame->payload = cursor_bytes(cursor, length);
	return cursor_ok(cursor) && payload_fits(frame);
}

/* A chain that starts at the cursor: which types it has, and how many frames. */
static size_t read_chain(struct cursor *cursor, struct match *match, unsigned *seen)
{
	enum { MOST_OF_ONE_TYPE = 256 };
	size_t frames = 0;
	struct frame frame;
	bool room = true;

	match_list_begin(match);
	*seen = 0;
	/* so many of one type are refused, and are not to be walked again from each of them */
	while ((frames < MOST_OF_ONE_TYPE || *seen & (*seen - 1)) && read_frame(cursor, &frame)) {
		unsigned type = is_grpc(&frame) ? GRPC : frame.type;

		if (room && !(*seen >> type & 1))
			room = match_list_add(match, '+',
								  span_string(type == GRPC ? "DATA(gRPC)" : types[type].name));
		*seen |= 1u << type;
		match_extend(match, cursor->at);
		frames++;
	}
	match_list_end(match, "frames");
	return frames;
}

/* Three frames of at least two types; behind a client's preface its SETTINGS are enough. */
bool validate_http2_frames(struct span bytes, struct match *match)
{
	enum { LEAST_FRAMES = 3 };
	struct cursor cursor = cursor_make(bytes, true);
	bool starts = text_starts_with(bytes, preface);
	unsigned seen;
	size_t frames;

	if (starts)
		cursor_skip(&cursor, sizeof preface - 1);
	frames = read_chain(&cursor, match, &seen);
	if (starts)
		return seen >> SETTINGS & 1;
	return frames >= LEAST_FRAMES && (seen & (seen - 1));
}
