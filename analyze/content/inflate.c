#include "analyze/content/inflate.h"

#include "analyze/validators/deflate_trial.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct inflater {
	z_stream stream;
};

struct inflater *inflater_create(void)
{
	struct inflater *inflater = mem_zeroed(1, sizeof *inflater);

	if (inflateInit2(&inflater->stream, MAX_WBITS) == Z_OK)
		return inflater;
	free(inflater);
	return NULL;
}

void inflater_destroy(struct inflater *inflater)
{
	if (!inflater)
		return;
	inflateEnd(&inflater->stream);
	free(inflater);
}

/* zlib counts in unsigned int. */
static unsigned part_of(size_t size)
{
	return size < UINT_MAX ? (unsigned)size : UINT_MAX;
}

/* Z_BUF_ERROR: no byte could be read or written any more. */
static enum inflate_end end_of(int status, const z_stream *stream)
{
	if (status == Z_STREAM_END)
		return INFLATE_WHOLE;
	if (status != Z_OK && status != Z_BUF_ERROR)
		return INFLATE_BROKEN;
	return stream->avail_out ? INFLATE_SHORT : INFLATE_FULL;
}

struct inflated inflate_stream(struct inflater *inflater, enum match_packed format,
							   struct span packed, uint8_t *out, size_t room)
{
	z_stream *stream = &inflater->stream;
	unsigned in = part_of(packed.size), space = part_of(room);
	struct inflated result;
	int status;

	inflateReset2(stream, deflate_window_bits(format));
	/* zlib's interface is older than const; it does not write there */
	stream->next_in = (Bytef *)(uintptr_t)packed.data;
	stream->avail_in = in;
	stream->next_out = out;
	stream->avail_out = space;
	status = inflate(stream, Z_FINISH);
	result.read = in - stream->avail_in;
	result.made = space - stream->avail_out;
	result.end = end_of(status, stream);
	return result;
}
