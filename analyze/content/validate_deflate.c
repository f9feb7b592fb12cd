/* Streams of deflate: gzip members (RFC 1952 2.3) and zlib streams (RFC 1950 2.2). */
#include "analyze/content/inflate.h"
#include "analyze/content/validators.h"

static bool prove(struct span bytes, enum match_packed packed, struct match *match)
{
	uint8_t out[256];
	struct inflater *inflater = inflater_create();
	struct inflated made = { 0 };

	if (inflater)
		made = inflate_stream(inflater, packed, span_part(bytes, 0, 1 << 16), out, sizeof out);
	inflater_destroy(inflater);
	if (!made.made || (made.end != INFLATE_WHOLE && made.end != INFLATE_FULL))
		return false;
	match->packed = packed;
	match->packed_at = 0;
	match_extend(match, made.read);
	return true;
}

bool validate_gzip(struct span bytes, struct match *match)
{
	return prove(bytes, MATCH_GZIP, match);
}

bool validate_zlib(struct span bytes, struct match *match)
{
	return prove(bytes, MATCH_ZLIB, match);
}
