/* Kafka record batches, magic 2 (Apache Kafka documentation, "Record Batch"; KIP-98). */
#include "analyze/validators/crc32c.h"
#include "analyze/validators/validators.h"

/* Offsets: of the length, behind it (it does not count what stands before), and of what the CRC is
 * of. */
enum { LENGTH_AT = 8, BEFORE_LENGTH = 12, CHECKED_AT = 21 };

/* Codecs of the attributes' low bits. */
static const char *const codecs[] = { "none", "gzip", "snappy", "lz4", "zstd" };

enum { CODECS = sizeof codecs / sizeof *codecs };

/* Its fields agree, and the checksum over all behind it holds. Provides `codec`. */
bool validate_kafka_batch(struct span bytes, struct match *match)
{
	enum { LARGEST = 16 << 20, DEFINED = 0x7f };
	struct cursor cursor = cursor_make(bytes, true);
	uint32_t length, crc, last_delta, records;
	uint16_t attributes;
	uint8_t magic;

	cursor_skip(&cursor, LENGTH_AT);
	length = cursor_u32(&cursor);
	cursor_skip(&cursor, 4); /* the leader's epoch */
	magic = cursor_u8(&cursor);
	crc = cursor_u32(&cursor);
	attributes = cursor_u16(&cursor);
	last_delta = cursor_u32(&cursor);
	cursor_skip(&cursor, 8 + 8 + 8 + 2 + 4); /* timestamps, producer */
	records = cursor_u32(&cursor);
	if (!cursor_ok(&cursor) || magic != 2 || attributes & ~DEFINED || (attributes & 7) >= CODECS ||
		!records || last_delta < records - 1 || length > LARGEST ||
		length + BEFORE_LENGTH <= cursor.at || length + BEFORE_LENGTH > bytes.size)
		return false;
	match_worked(match, length);
	if (crc32c(span_part(bytes, CHECKED_AT, length + BEFORE_LENGTH - CHECKED_AT)) != crc)
		return false;
	match_extend(match, length + BEFORE_LENGTH);
	match_set(match, "codec", span_string(codecs[attributes & 7]));
	return true;
}
