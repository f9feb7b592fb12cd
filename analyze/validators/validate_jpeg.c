/* JPEG (ITU-T T.81: B.1 markers and segments, B.2.2 frame header; JFIF and Exif are APPn segments).
 */
#include "analyze/validators/validators.h"

enum {
	SOI = 0xd8,
	EOI = 0xd9,
	SOS = 0xda,
	MOST_BYTES = 32 << 20, /* looked at for one picture */
	MOST_COMPONENTS = 4,
};

/* Frame headers are C0 to CF but DHT, JPG and DAC. */
static bool is_frame(uint8_t marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Markers of a segment with a length that may stand before or between scans (table B.1). */
static bool is_segment(uint8_t marker)
{
	return (marker >= 0xc0 && marker <= 0xcf && marker != 0xc8) ||
		   (marker >= SOS && marker <= 0xef) || marker == 0xfe;
}

static bool read_frame(struct span segment, struct match *match)
{
	struct cursor cursor = cursor_make(segment, true);
	uint8_t depth = cursor_u8(&cursor), components;
	unsigned height = cursor_u16(&cursor), width = cursor_u16(&cursor);

	components = cursor_u8(&cursor);
	if (!cursor_ok(&cursor) || depth < 2 || depth > 16 || !width || !height || !components ||
		components > MOST_COMPONENTS || segment.size != 6 + 3u * components)
		return false;
	match_build(match, "size", "%ux%u", width, height);
	return true;
}

/* Entropy-coded data up to the next marker that is neither a stuffed FF 00 nor RSTn (B.1.1.5). */
static bool skip_scan(struct cursor *cursor)
{
	for (uint8_t byte = 0; cursor_ok(cursor);) {
		uint8_t before = byte;

		byte = cursor_u8(cursor);
		if (before == 0xff && byte && byte != 0xff && (byte & 0xf8) != 0xd0) {
			cursor->at -= 2;
			return true;
		}
	}
	return false;
}

/* The marker at the cursor; fill bytes FF may stand before it. 0 where there is none. */
static uint8_t read_marker(struct cursor *cursor)
{
	uint8_t marker = cursor_u8(cursor);

	if (marker != 0xff)
		return 0;
	while (marker == 0xff && cursor_ok(cursor))
		marker = cursor_u8(cursor);
	return cursor_ok(cursor) ? marker : 0;
}

/* Proven to the end of the picture, or of the last segment that is whole. A frame header with the
 * size must be among them. */
bool validate_jpeg(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, MOST_BYTES), true);
	bool framed = false;

	cursor_skip(&cursor, 2); /* SOI */
	for (;;) {
		uint8_t marker = read_marker(&cursor);
		size_t length;
		struct span segment;

		if (marker == EOI && framed)
			match_extend(match, cursor.at);
		if (!is_segment(marker))
			return framed;
		length = cursor_u16(&cursor);
		segment = cursor_bytes(&cursor, length < 2 ? SIZE_MAX : length - 2);
		if (!cursor_ok(&cursor) || (marker == SOS && !framed))
			return framed;
		if (is_frame(marker) && (framed || !read_frame(segment, match)))
			return framed;
		framed = framed || is_frame(marker);
		match_extend(match, cursor.at);
		if (marker == SOS && !skip_scan(&cursor))
			return true;
	}
}
