/* Matroska and WebM (RFC 8794 for EBML: 4 variable-size integers, 8 header; RFC 9559, 5.1 for the
 * elements of a segment). */
#include "analyze/validators/validators.h"

enum { LONGEST_ID = 4, LONGEST_SIZE = 8, MOST_ELEMENTS = 4096 };

#define ID_EBML 0x1a45dfa3u
#define ID_DOC_TYPE 0x4282u
#define ID_SEGMENT 0x18538067u
#define SIZE_UNKNOWN UINT64_MAX

/* What a segment holds, and Void and CRC-32, which may stand anywhere. */
static const uint32_t top_level[] = { 0x114d9b74, 0x1549a966, 0x1654ae6b, 0x1f43b675, 0x1c53bb6b,
									  0x1043a770, 0x1254c367, 0x1941a469, 0xec,       0xbf };

/* An integer whose leading zero bits say how many bytes follow. The marker bit stays in an id. */
static uint64_t read_integer(struct cursor *cursor, unsigned longest, bool keep_marker)
{
	uint8_t first = cursor_u8(cursor);
	unsigned length = first ? (unsigned)__builtin_clz(first) - 23 : longest + 1;
	uint8_t data_bits = (uint8_t)(0xff >> length);
	uint64_t value = keep_marker ? first : first & data_bits;
	bool ones = (first & data_bits) == data_bits;

	if (length > longest) {
		cursor->failed = true;
		return 0;
	}
	for (unsigned i = 1; i < length; i++) {
		uint8_t byte = cursor_u8(cursor);

		ones = ones && byte == 0xff;
		value = value << 8 | byte;
	}
	return ones && !keep_marker ? SIZE_UNKNOWN : value;
}

static uint32_t read_element(struct cursor *cursor, uint64_t *size)
{
	uint32_t id = (uint32_t)read_integer(cursor, LONGEST_ID, true);

	*size = read_integer(cursor, LONGEST_SIZE, false);
	return id;
}

static bool is_top_level(uint32_t id)
{
	for (size_t i = 0; i < sizeof top_level / sizeof *top_level; i++)
		if (top_level[i] == id)
			return true;
	return false;
}

/* The header: elements of two-byte ids, DocType among them. */
static bool read_header(struct cursor *cursor, struct span *type)
{
	uint64_t size;
	struct cursor header;

	if (read_element(cursor, &size) != ID_EBML)
		return false;
	header = cursor_make(cursor_bytes(cursor, size), true);
	while (cursor_left(&header)) {
		uint32_t id = read_element(&header, &size);
		struct span data = cursor_bytes(&header, size);

		if (id == ID_DOC_TYPE)
			*type = data;
	}
	return cursor_ok(cursor) && cursor_ok(&header) &&
		   (span_equal(*type, span_string("matroska")) || span_equal(*type, span_string("webm")));
}

/* Elements of the segment, as far as they are whole. */
bool validate_matroska(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	struct span type = { 0 };
	uint64_t size;

	if (!read_header(&cursor, &type))
		return false;
	match_set(match, "type", type);
	match_extend(match, cursor.at);
	if (read_element(&cursor, &size) != ID_SEGMENT || !cursor_ok(&cursor))
		return false;
	for (unsigned i = 0; i < MOST_ELEMENTS && cursor_ok(&cursor); i++) {
		match_extend(match, cursor.at);
		if (!is_top_level(read_element(&cursor, &size)) || size == SIZE_UNKNOWN)
			break;
		cursor_skip(&cursor, size);
	}
	return true;
}
