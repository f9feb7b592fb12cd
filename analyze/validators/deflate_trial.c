#include "analyze/validators/deflate_trial.h"

#include <zlib.h>

/* inflateInit2's windowBits: 15, the format by its sign or by what is added. */
static int window_bits(enum match_packed packed)
{
	switch (packed) {
	case MATCH_GZIP:
		return 16 + MAX_WBITS;
	case MATCH_ZLIB:
		return MAX_WBITS;
	default:
		return -MAX_WBITS;
	}
}

/* What is packed that tightly costs more to inflate than anything else a scan does with a byte. */
static bool is_bomb(const struct deflate_trial *trial)
{
	return trial->written > DEFLATE_TRIAL_FREE &&
		   trial->written / DEFLATE_TRIAL_RATIO > trial->read;
}

struct deflate_trial deflate_try(struct span bytes, enum match_packed packed, uint64_t enough)
{
	uint8_t output[16 << 10];
	struct deflate_trial trial = { 0 };
	z_stream stream = { .next_in = (Bytef *)bytes.data };
	int result = Z_OK;

	if (enough > DEFLATE_TRIAL_MOST)
		enough = DEFLATE_TRIAL_MOST;
	stream.avail_in = (uInt)(bytes.size < DEFLATE_TRIAL_MOST ? bytes.size : DEFLATE_TRIAL_MOST);
	if (inflateInit2(&stream, window_bits(packed)) != Z_OK)
		return trial;
	while (result == Z_OK && trial.written < enough && !is_bomb(&trial)) {
		stream.next_out = output;
		stream.avail_out = sizeof output;
		result = inflate(&stream, Z_NO_FLUSH);
		trial.written = stream.total_out;
		trial.read = stream.total_in;
	}
	trial.ended = result == Z_STREAM_END;
	inflateEnd(&stream);
	return trial;
}
