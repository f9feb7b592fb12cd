/* Python pickles of protocol 4 and 5 (PEP 3154, PEP 574; opcodes as in CPython's
 * Lib/pickletools.py, 3.11). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

enum {
	FRAME = 0x95,
	STOP = '.',
	MEMOIZE = 0x94,
	STACK_GLOBAL = 0x93,
	SHORT_TEXT = 0x8c,
	HEADER_BYTES = 2,
	MOST_BYTES = 16 << 20, /* looked at for one pickle */
};

/* What follows an opcode. PROTO is not among them: it is the first and stands nowhere else. */
enum argument {
	UNKNOWN,
	NOTHING,
	BYTES_1,
	BYTES_2,
	BYTES_4,
	BYTES_8,
	COUNTED_1, /* a count of so many bytes, and that many bytes */
	COUNTED_4,
	COUNTED_8,
	LINE,
	LINES_2,
};

static const uint8_t arguments[256] = {
	['('] = NOTHING,    ['.'] = NOTHING,    ['0'] = NOTHING,    ['1'] = NOTHING,
	['2'] = NOTHING,    ['N'] = NOTHING,    ['R'] = NOTHING,    ['Q'] = NOTHING,
	['a'] = NOTHING,    ['b'] = NOTHING,    ['d'] = NOTHING,    ['}'] = NOTHING,
	['e'] = NOTHING,    ['l'] = NOTHING,    [']'] = NOTHING,    ['o'] = NOTHING,
	['s'] = NOTHING,    ['t'] = NOTHING,    [')'] = NOTHING,    ['u'] = NOTHING,
	[0x81] = NOTHING,   [0x85] = NOTHING,   [0x86] = NOTHING,   [0x87] = NOTHING,
	[0x88] = NOTHING,   [0x89] = NOTHING,   [0x8f] = NOTHING,   [0x90] = NOTHING,
	[0x91] = NOTHING,   [0x92] = NOTHING,   [0x93] = NOTHING,   [0x94] = NOTHING,
	[0x97] = NOTHING,   [0x98] = NOTHING,   ['K'] = BYTES_1,    ['h'] = BYTES_1,
	['q'] = BYTES_1,    [0x82] = BYTES_1,   ['M'] = BYTES_2,    [0x83] = BYTES_2,
	['J'] = BYTES_4,    ['j'] = BYTES_4,    ['r'] = BYTES_4,    [0x84] = BYTES_4,
	['G'] = BYTES_8,    [0x95] = BYTES_8,   ['U'] = COUNTED_1,  ['C'] = COUNTED_1,
	[0x8a] = COUNTED_1, [0x8c] = COUNTED_1, ['T'] = COUNTED_4,  ['X'] = COUNTED_4,
	['B'] = COUNTED_4,  [0x8b] = COUNTED_4, [0x8d] = COUNTED_8, [0x8e] = COUNTED_8,
	[0x96] = COUNTED_8, ['F'] = LINE,       ['I'] = LINE,       ['L'] = LINE,
	['S'] = LINE,       ['V'] = LINE,       ['g'] = LINE,       ['p'] = LINE,
	['P'] = LINE,       ['c'] = LINES_2,    ['i'] = LINES_2,
};

/* Steps over an argument; `text` is the bytes of a counted one. */
static bool skip_argument(struct cursor *cursor, enum argument argument, struct span *text)
{
	static const uint8_t fixed[] = { [BYTES_1] = 1, [BYTES_2] = 2, [BYTES_4] = 4, [BYTES_8] = 8 };
	bool line = true;

	if (argument >= BYTES_1 && argument <= BYTES_8)
		cursor_skip(cursor, fixed[argument]);
	else if (argument == COUNTED_1)
		*text = cursor_bytes(cursor, cursor_u8(cursor));
	else if (argument == COUNTED_4)
		*text = cursor_bytes(cursor, cursor_u32(cursor));
	else if (argument == COUNTED_8)
		*text = cursor_bytes(cursor, cursor_u64(cursor));
	for (int i = (int)argument - LINE; i >= 0 && line; i--)
		line = cursor_line(cursor, text);
	return argument != UNKNOWN && line && cursor_ok(cursor);
}

/* The texts right before an opcode: module and name of a class stand before STACK_GLOBAL. */
struct texts {
	struct span last[2];
	unsigned count;
};

static bool is_word(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (c != '.' && c != '_' && c < 0x80 && !text_is_digit(c) && !text_is_letter(c))
			return false;
	}
	return text.size > 0 && text.size < 80;
}

static void note_class(const struct texts *texts, struct match *match)
{
	const struct span module = texts->last[0], name = texts->last[1];

	if (texts->count == 2 && !match_find(match, "class") && is_word(module) && is_word(name))
		match_build(match, "class", "%.*s.%.*s", (int)module.size, (const char *)module.data,
					(int)name.size, (const char *)name.data);
}

static void note(uint8_t opcode, struct span text, struct texts *texts, struct match *match)
{
	if (opcode == SHORT_TEXT) {
		texts->last[0] = texts->last[1];
		texts->last[1] = text;
		texts->count = texts->count < 2 ? texts->count + 1 : 2;
	} else if (opcode != MEMOIZE) {
		if (opcode == STACK_GLOBAL)
			note_class(texts, match);
		texts->count = 0;
	}
}

static bool walk(struct cursor *cursor, struct match *match)
{
	struct texts texts = { 0 };
	struct cursor frame;
	uint64_t frame_end = 0;
	uint8_t opcode = 0;

	while (opcode != STOP) {
		struct span text = { 0 };

		if (cursor->at == frame_end)
			frame_end = 0;
		opcode = cursor_u8(cursor);
		frame = *cursor;
		if (!skip_argument(cursor, arguments[opcode], &text))
			return false;
		if (opcode == FRAME && frame_end)
			return false;
		if (opcode == FRAME && __builtin_add_overflow(cursor->at, cursor_u64(&frame), &frame_end))
			return false;
		note(opcode, text, &texts, match);
	}
	return !frame_end || cursor->at == frame_end;
}

/* Every opcode up to STOP is known and the frame ends between two of them. */
bool validate_pickle(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, MOST_BYTES), false);
	bool good;

	cursor_skip(&cursor, HEADER_BYTES);
	good = walk(&cursor, match);
	match_worked(match, cursor.at);
	if (good)
		match_extend(match, cursor.at);
	return good;
}
