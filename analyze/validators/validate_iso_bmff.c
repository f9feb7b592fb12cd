/* MP4, QuickTime, HEIF and AVIF (ISO/IEC 14496-12:2022, 4.2 object structure, 4.3 file type box).
 */
#include "analyze/validators/validators.h"

enum { MOST_BOXES = 4096, BRAND_BYTES = 4 };

/* Boxes that may stand at the top of a file (table 1), and what QuickTime and encoders put there.
 */
static const char top_level[][5] = {
	"ftyp", "moov", "mdat", "free", "skip", "moof", "sidx", "ssix", "meta", "mfra",
	"uuid", "wide", "pdin", "styp", "emsg", "prft", "pnot", "idat", "meco", "udta",
};

static bool is_top_level(struct span type)
{
	for (size_t i = 0; i < sizeof top_level / sizeof *top_level; i++)
		if (span_equal(type, span_string(top_level[i])))
			return true;
	return false;
}

/* Reads a box's header and steps over it. False where the header is not that of one. */
static bool skip_box(struct cursor *cursor)
{
	uint64_t size = cursor_u32(cursor), header = 8;
	struct span type = cursor_bytes(cursor, 4);

	if (size == 1) {
		size = cursor_u64(cursor);
		header = 16;
	}
	if (!cursor_ok(cursor) || !is_top_level(type) || size < header)
		return false;
	cursor_skip(cursor, size - header);
	return true;
}

static bool read_file_type(struct cursor *cursor, struct span *brand)
{
	size_t size = cursor_u32(cursor);

	cursor_skip(cursor, 4);
	*brand = cursor_bytes(cursor, BRAND_BYTES);
	for (size_t i = 0; i < brand->size; i++)
		if (brand->data[i] < ' ' || brand->data[i] > '~')
			return false;
	if (size < 16 || size > 1024 || size % BRAND_BYTES)
		return false;
	cursor_skip(cursor, size - 12);
	return cursor_ok(cursor);
}

/* The file type box and the header of the next one must be there; proven are the boxes that are
 * whole. */
bool validate_iso_bmff(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	unsigned boxes = 0;
	struct span brand;

	if (!read_file_type(&cursor, &brand))
		return false;
	match_set(match, "brand", brand);
	for (; boxes < MOST_BOXES; boxes++) {
		match_extend(match, cursor.at);
		if (!skip_box(&cursor))
			break;
		if (!cursor_ok(&cursor))
			return true; /* a sound header, its box goes on behind the chunk */
	}
	return boxes;
}
