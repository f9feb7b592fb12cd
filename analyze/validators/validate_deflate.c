/* Streams of deflate: gzip members (RFC 1952 2.3) and zlib streams (RFC 1950 2.2). */
#include "analyze/validators/deflate_trial.h"
#include "analyze/validators/validators.h"

/* Inflates the stream at that offset of the match. One that ends has proven its checksum; one that
 * breaks or is cut short counts as far as it goes, where that is more than chance gives. */
static bool prove(struct span bytes, size_t at, enum match_packed packed, struct match *match)
{
	struct deflate_trial trial =
		deflate_try(span_part(bytes, at, bytes.size), packed, DEFLATE_TRIAL_MOST);

	match_worked(match, trial.read + trial.written);
	if (!trial.written || (!trial.ended && trial.written < DEFLATE_TRIAL_LEAST))
		return false;
	match->packed = packed;
	match->packed_at = at;
	match_extend(match, at + trial.read);
	return true;
}

/* The pattern has seen the magic; zlib's own check refuses reserved flags and other methods. What
 * it lets pass are the extra flags and the operating system, where real writers put few values. */
bool validate_gzip(struct span bytes, struct match *match)
{
	enum { MAX_COMPRESSION = 2, FASTEST = 4, LAST_SYSTEM = 13, UNKNOWN_SYSTEM = 255 };
	struct cursor cursor = cursor_make(bytes, false);
	uint8_t extra, system;

	cursor_skip(&cursor, 8); /* magic, method, flags, time */
	extra = cursor_u8(&cursor);
	system = cursor_u8(&cursor);
	if (!cursor_ok(&cursor) || (extra && extra != MAX_COMPRESSION && extra != FASTEST) ||
		(system > LAST_SYSTEM && system != UNKNOWN_SYSTEM))
		return false;
	return prove(bytes, 0, MATCH_GZIP, match);
}

/* The stream starts at the capture `stream` or, without one, where the match does. */
bool validate_zlib(struct span bytes, struct match *match)
{
	const struct match_capture *capture = match_find(match, "stream");
	size_t at = capture && capture->text.data ? (size_t)(capture->text.data - bytes.data) : 0;

	return prove(bytes, at, MATCH_ZLIB, match);
}
