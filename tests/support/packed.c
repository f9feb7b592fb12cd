#include "tests/support/packed.h"

#include "tests/support/promise.h"

#include <string.h>
#include <zlib.h>

static int window_bits(enum match_packed format)
{
	return format == MATCH_GZIP ? 15 + 16 : format == MATCH_ZLIB ? 15 : -15;
}

void packed_add(struct strbuf *out, enum match_packed format, struct span text)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)text.data, .avail_in = (uInt)text.size };
	uLong most;

	promise(deflateInit2(&stream, 6, Z_DEFLATED, window_bits(format), 8, Z_DEFAULT_STRATEGY) ==
				Z_OK,
			"zlib deflates");
	most = deflateBound(&stream, (uLong)text.size);
	stream.next_out = strbuf_room(out, most);
	stream.avail_out = (uInt)most;
	promise(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib deflates at once");
	out->size += stream.total_out;
	deflateEnd(&stream);
}

static void add_number(struct strbuf *out, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		strbuf_putc(out, (char)(value >> 8 * i));
}

void packed_add_zip(struct strbuf *out, const char *name, struct span text)
{
	struct strbuf data = { 0 };

	packed_add(&data, MATCH_DEFLATE, text);
	strbuf_add(out, "PK\3\4", 4);
	add_number(out, 20, 2);         /* version needed */
	add_number(out, 0, 2);          /* flags */
	add_number(out, 8, 2);          /* deflated */
	add_number(out, 0x58210000, 4); /* 2024-01-01, 00:00 */
	add_number(out, (uint32_t)crc32(0, text.data, (uInt)text.size), 4);
	add_number(out, (uint32_t)data.size, 4);
	add_number(out, (uint32_t)text.size, 4);
	add_number(out, (uint32_t)strlen(name), 2);
	add_number(out, 0, 2); /* extra field */
	strbuf_puts(out, name);
	strbuf_add(out, data.data, data.size);
	strbuf_add(out, "PK\1\2", 4);
	strbuf_deinit(&data);
}
