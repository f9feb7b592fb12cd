/* WebSocket frames (RFC 6455 5.2). A client's are masked (5.3), a server's are not (5.1). */
#include "analyze/validators/json_text.h"
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <string.h>

enum { FIN = 0x80, TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, MASKED = 0x80, CONTROL_MOST = 125 };

struct frame {
	unsigned opcode;
	bool masked;
	uint8_t key[4];
	struct span payload;
};

/* A whole, final frame without extensions, its length in the shortest form. */
static bool read_frame(struct cursor *cursor, struct frame *frame)
{
	uint8_t first = cursor_u8(cursor), second = cursor_u8(cursor);
	uint64_t length = second & 0x7f, least = 0;
	struct span key;

	if (length == 126) {
		length = cursor_u16(cursor);
		least = 126;
	} else if (length == 127) {
		length = cursor_u64(cursor);
		least = 0x10000;
	}
	*frame = (struct frame){ .opcode = first & 0x0f, .masked = second & MASKED };
	if (frame->masked) {
		key = cursor_bytes(cursor, sizeof frame->key);
		if (key.data)
			memcpy(frame->key, key.data, sizeof frame->key);
	}
	frame->payload = cursor_bytes(cursor, length);
	return cursor_ok(cursor) && (first & 0xf0) == FIN && length >= least;
}

static uint8_t byte_of(const struct frame *frame, size_t at)
{
	return frame->payload.data[at] ^ (frame->masked ? frame->key[at % 4] : 0);
}

/* Could the payload be an object or array, by its two ends? */
static bool looks_like_json(const struct frame *frame)
{
	uint8_t first, last;

	if (frame->opcode != TEXT || frame->payload.size < 2)
		return false;
	first = byte_of(frame, 0);
	last = byte_of(frame, frame->payload.size - 1);
	return (first == '{' || first == '[') && last && strchr("}] \t\r\n", last);
}

/* Is the text one JSON value, and nothing but blanks behind it? */
static bool is_json(struct span text, struct match *match)
{
	size_t length = json_text_length(text, match);

	while (length && length < text.size && text.data[length] &&
		   strchr(" \t\r\n", text.data[length]))
		length++;
	return length && length == text.size;
}

/* An unmasked text frame that is whole and whose payload is one JSON object or array. */
bool validate_websocket_frame(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	struct frame frame;

	if (!read_frame(&cursor, &frame) || frame.masked || !looks_like_json(&frame) ||
		!is_json(frame.payload, match))
		return false;
	match_extend(match, cursor.at);
	return true;
}

/* The payload as it was before it was masked; NULL where it is no text. The caller frees it. */
static uint8_t *unmask_text(const struct frame *frame, struct match *match)
{
	enum { PEEK = 64 };
	uint8_t head[PEEK], *text;
	size_t peek = frame->payload.size < PEEK ? frame->payload.size : PEEK;

	for (size_t i = 0; i < peek; i++)
		head[i] = byte_of(frame, i);
	/* a sequence may be cut at the end of what was peeked */
	if (text_run_length(span_make(head, peek)) + 4 <= peek)
		return NULL;
	match_worked(match, frame->payload.size);
	text = mem_zeroed(frame->payload.size, 1);
	for (size_t i = 0; i < frame->payload.size; i++)
		text[i] = byte_of(frame, i);
	return text;
}

/* A masked text frame whose payload, unmasked with its key, is one JSON object or array. */
bool validate_websocket_masked(struct span bytes, struct match *match)
{
	enum { LARGEST = 1 << 20 };
	struct cursor cursor = cursor_make(bytes, true);
	AUTO_FREE uint8_t *text = NULL;
	struct frame frame;

	if (!read_frame(&cursor, &frame) || !frame.masked || frame.payload.size > LARGEST ||
		!looks_like_json(&frame) || !(text = unmask_text(&frame, match)))
		return false;
	if (!is_json(span_make(text, frame.payload.size), match))
		return false;
	match_extend(match, cursor.at);
	return true;
}

/* Printable text, or a control frame (5.5) of the few that a chain may hold. */
static bool belongs_to_chain(const struct frame *frame, struct match *match)
{
	enum { LARGEST = 1 << 20 };
	AUTO_FREE uint8_t *text = NULL;

	if (frame->opcode >= CLOSE && frame->opcode <= PONG)
		return frame->payload.size <= CONTROL_MOST;
	if (frame->opcode != TEXT || !frame->payload.size || frame->payload.size > LARGEST)
		return false;
	if (!frame->masked) {
		match_worked(match, frame->payload.size);
		return text_run_is_all(frame->payload);
	}
	text = unmask_text(frame, match);
	return text && text_run_is_all(span_make(text, frame->payload.size));
}

/* At least three frames of one side, one behind the other, with 24 bytes of text in all. */
bool validate_websocket_chain(struct span bytes, struct match *match)
{
	enum { LEAST_FRAMES = 3, LEAST_TEXT = 24, MOST_BYTES = 4 << 20 };
	struct cursor cursor = cursor_make(span_part(bytes, 0, MOST_BYTES), true);
	size_t frames = 0, text = 0, proven = 0;
	struct frame frame;
	bool masked = false;

	while (read_frame(&cursor, &frame) && (!frames || frame.masked == masked) &&
		   belongs_to_chain(&frame, match)) {
		masked = frame.masked;
		text += frame.opcode == TEXT ? frame.payload.size : 0;
		proven = cursor.at;
		frames++;
	}
	match_extend(match, proven);
	match_set(match, "sender", span_string(masked ? "client" : "server"));
	return frames >= LEAST_FRAMES && text >= LEAST_TEXT;
}
