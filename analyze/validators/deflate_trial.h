/* deflate_trial: does it inflate? A stream of RFC 1950, 1951 or 1952 has few bytes that are
 * certain, so it is proven by inflating it: a checksum that agrees at its end, or enough output
 * before the chunk ends. What comes out is thrown away. */
#ifndef ANALYZE_VALIDATORS_DEFLATE_TRIAL_H
#define ANALYZE_VALIDATORS_DEFLATE_TRIAL_H

#include "analyze/validators/match.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DEFLATE_TRIAL_LEAST = 256, /* bytes of output that chance does not give */
	/* the work that one place may cost */
	DEFLATE_TRIAL_MOST = 16 << 20, /* bytes read, and bytes of output */
	DEFLATE_TRIAL_FREE = 1 << 20,  /* output however little it was packed in */
	DEFLATE_TRIAL_RATIO = 256,     /* beyond: output for each byte read; zeros have 1,000 */
};

struct deflate_trial {
	size_t read;      /* bytes of the stream that inflated, its header and checksum with them */
	uint64_t written; /* bytes of output */
	bool ended;       /* up to its end; a checksum it has agrees */
};

/* Inflates what starts at the span's first byte and stops at its end, at the first byte that does
 * not inflate, at the end of the span, once `enough` bytes have come out, or where a
 * limit above is reached. Takes about 40 KiB for the time of the call, from malloc. */
struct deflate_trial deflate_try(struct span bytes, enum match_packed packed, uint64_t enough);

#endif
