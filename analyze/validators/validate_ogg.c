/* Ogg pages (RFC 3533, section 6). */
#include "analyze/validators/validators.h"

enum {
	HEADER_BYTES = 27,
	CRC_AT = 22,
	FLAGS_KNOWN = 7,
	FLAG_FIRST = 2,
	MOST_BYTES = 16 << 20, /* of pages that are checked from one match on */
};

#define MAGIC 0x4f676753u
#define POLYNOMIAL 0x04c11db7u

/* What the first packet of a stream starts with. */
static const struct {
	const char *magic, *codec;
} codecs[] = {
	{ "\x01vorbis", "vorbis" },
	{ "OpusHead", "opus" },
	{ "\x7f"
	  "FLAC",
	  "flac" },
	{ "\x80theora", "theora" },
	{ "Speex   ", "speex" },
};

/* The CRC's remainders of the 256 bytes; not reflected, unlike zlib's. */
static void make_table(uint32_t table[256])
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 ? POLYNOMIAL : 0);
		table[byte] = crc;
	}
}

/* The page's CRC is taken with its own field as zeros. */
static uint32_t crc_of(const uint32_t table[256], struct span page)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < page.size; i++) {
		uint8_t byte = i >= CRC_AT && i < CRC_AT + 4 ? 0 : page.data[i];

		crc = crc << 8 ^ table[crc >> 24 ^ byte];
	}
	return crc;
}

/* Steps over a page whose CRC agrees. `data` is what it holds. */
static bool read_page(struct cursor *cursor, const uint32_t table[256], struct span *data,
					  struct match *match)
{
	struct cursor field = *cursor;
	size_t start = cursor->at, size = 0;
	uint8_t segments, flags;
	uint32_t crc;

	field.big_endian = true;
	if (cursor_u32(&field) != MAGIC || cursor_u8(&field) != 0)
		return false;
	flags = cursor_u8(&field);
	cursor_skip(&field, 16); /* position, serial number, page number */
	field.big_endian = false;
	crc = cursor_u32(&field);
	segments = cursor_u8(&field);
	for (unsigned i = 0; i < segments; i++)
		size += cursor_u8(&field);
	*data = cursor_bytes(&field, size);
	if (!cursor_ok(&field) || flags > FLAGS_KNOWN)
		return false;
	match_worked(match, size);
	if (crc_of(table, span_part(cursor->span, start, field.at - start)) != crc)
		return false;
	*cursor = field;
	return true;
}

static const char *codec_of(struct span packet)
{
	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
		struct span magic = span_string(codecs[i].magic);

		if (span_equal(span_part(packet, 0, magic.size), magic))
			return codecs[i].codec;
	}
	return "other";
}

bool validate_ogg_page(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(span_part(bytes, 0, MOST_BYTES), false);
	uint32_t table[256];
	struct span data;

	make_table(table);
	if (!read_page(&cursor, table, &data, match))
		return false;
	if (bytes.data[5] & FLAG_FIRST)
		match_build(match, "codec", "%s", codec_of(data));
	do
		match_extend(match, cursor.at);
	while (read_page(&cursor, table, &data, match));
	return true;
}
