/* zstd_input: a zstd file decompressed once into an unlinked file and mapped.
 *
 * Frames of known size are decompressed in parallel: those of a seek table (zstd's
 * contrib/seekable_format/zstd_seekable_compression_format.md 0.1.1) or, where it is missing or
 * damaged, those found by walking the frame headers (RFC 8878 3.1.1). Anything else, such as the
 * one frame that `zstd <FILE` or systemd-coredump writes, is streamed. Zero blocks stay holes. */
#ifndef ANALYZE_INPUT_ZSTD_INPUT_H
#define ANALYZE_INPUT_ZSTD_INPUT_H

#include "analyze/input/lost.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/span.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct zstd_input {
	struct span plain; /* mapped; data NULL where nothing could be decompressed */
	int fd;            /* of the unlinked file */
	bool truncated;   /* the compressed file ends inside a frame, or nothing behind it was usable */
	lost_ranges lost; /* what damaged frames held; reasons are in the pool */
	VEC(const char *) troubles; /* one line each; in the pool */
	struct pool pool;
};

/* True where the bytes start with a zstd frame or a skippable one. */
bool zstd_input_is(struct span file);

/* Decompresses the file into $TMPDIR, else /var/tmp, else /tmp. Damage costs what it hit; only a
 * file that gives no byte at all, and trouble with the temporary file, is an error. The caller ends
 * with zstd_input_close in every case. */
bool zstd_input_open(struct zstd_input *input, struct span file, unsigned workers,
					 struct progress *progress, struct err *err);
void zstd_input_close(struct zstd_input *input);

#endif
