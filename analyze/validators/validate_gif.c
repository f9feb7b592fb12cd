/* GIF (Graphics Interchange Format 89a, CompuServe 1990: 18 logical screen, 20 image, 23-26
 * extensions). */
#include "analyze/validators/validators.h"

enum {
	HEADER_BYTES = 6,
	HAS_TABLE = 0x80, /* of the packed fields of a screen or an image */
	EXTENSION = 0x21,
	IMAGE = 0x2c,
	TRAILER = 0x3b,
	MOST_BYTES = 32 << 20, /* looked at for one picture */
};

static void skip_table(struct cursor *cursor, uint8_t packed)
{
	if (packed & HAS_TABLE)
		cursor_skip(cursor, 3ul << ((packed & 7) + 1));
}

/* Sub-blocks of a length byte and data, up to the one of length 0. */
static void skip_sub_blocks(struct cursor *cursor)
{
	uint8_t length;

	do {
		length = cursor_u8(cursor);
		cursor_skip(cursor, length);
	} while (length && cursor_ok(cursor));
}

/* An image lies inside the logical screen and codes start at 2 to 11 bits. */
static bool skip_image(struct cursor *cursor, unsigned width, unsigned height)
{
	unsigned left = cursor_u16(cursor), top = cursor_u16(cursor);
	unsigned image_width = cursor_u16(cursor), image_height = cursor_u16(cursor);
	uint8_t code;

	skip_table(cursor, cursor_u8(cursor));
	code = cursor_u8(cursor);
	skip_sub_blocks(cursor);
	return image_width && image_height && left + image_width <= width &&
		   top + image_height <= height && code >= 2 && code <= 11;
}

/* Labels are of plain text, graphic control, comment and application. */
static bool skip_extension(struct cursor *cursor)
{
	uint8_t label = cursor_u8(cursor);

	skip_sub_blocks(cursor);
	return label == 0x01 || label == 0xf9 || label == 0xfe || label == 0xff;
}

/* Proven to the trailer, or to the end of the last block that is whole; at least one must be. */
bool validate_gif(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, MOST_BYTES), false);
	unsigned width, height, blocks = 0;
	bool possible = true;
	uint8_t kind;

	cursor_skip(&cursor, HEADER_BYTES);
	width = cursor_u16(&cursor);
	height = cursor_u16(&cursor);
	kind = cursor_u8(&cursor);
	cursor_skip(&cursor, 2); /* background, aspect */
	skip_table(&cursor, kind);
	for (kind = 0; possible && kind != TRAILER; blocks++) {
		kind = cursor_u8(&cursor);
		if (kind == EXTENSION)
			possible = skip_extension(&cursor);
		else if (kind == IMAGE)
			possible = skip_image(&cursor, width, height);
		else
			possible = kind == TRAILER && blocks;
		if (!possible || !cursor_ok(&cursor))
			break;
		match_extend(match, cursor.at);
	}
	match_build(match, "size", "%ux%u", width, height);
	return blocks && width && height;
}
