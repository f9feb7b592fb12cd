/* inflate: a compressed stream made plain, as far as it goes. The stream is hostile: it may be cut,
 * broken, endless, or a bomb; what it costs is bounded by the caller. */
#ifndef ANALYZE_CONTENT_INFLATE_H
#define ANALYZE_CONTENT_INFLATE_H

#include "analyze/validators/match.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/* How a stream ended. */
enum inflate_end {
	INFLATE_WHOLE,  /* where it ends itself */
	INFLATE_SHORT,  /* its bytes ended first */
	INFLATE_BROKEN, /* at bytes that no compressor writes, or with a wrong checksum */
	INFLATE_FULL,   /* at the caller's limit: more would have come out of it */
};

struct inflated {
	size_t read; /* bytes of the stream that were used */
	size_t made; /* bytes written */
	enum inflate_end end;
};

/* One thread's inflater; NULL where memory is out. Ends with inflater_destroy. */
struct inflater *inflater_create(void);
void inflater_destroy(struct inflater *inflater);

/* Inflates the stream at the start of `packed` into `room` bytes at `out`. What came out before a
 * stream breaks or is cut stays. `format` is one of gzip (RFC 1952, one member), zlib (RFC 1950;
 * one that needs a dictionary is broken) and deflate (RFC 1951). Empty blocks cost time and make
 * nothing: cut `packed` to what may be read. */
struct inflated inflate_stream(struct inflater *inflater, enum match_packed format,
							   struct span packed, uint8_t *out, size_t room);

#endif
