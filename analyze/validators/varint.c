#include "analyze/validators/varint.h"

uint64_t varint_read(struct cursor *cursor, unsigned most_bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < most_bytes; i++) {
		uint8_t byte = cursor_u8(cursor);

		value |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte < 0x80)
			return value;
	}
	cursor->failed = true;
	return 0;
}
