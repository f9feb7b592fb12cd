/* sink: where an archive's bytes go, in order and once: a plain file with holes, a plain stream, or
 * zstd frames to either. It also makes the block checksums.
 *
 * The caller fills frames of FORMAT_FRAME_BYTES in a small ring; threads made in advance checksum,
 * compress and write them meanwhile. All memory is allocated by sink_create, so that a capture does
 * not allocate while its target is stopped. The first failure is kept (sticky): later calls do
 * nothing, and sink_ok says so. */
#ifndef ARCHIVE_SINK_H
#define ARCHIVE_SINK_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink_options {
	int fd;      /* stays the caller's */
	bool sparse; /* fd is a regular file, empty: holes are not written */
	bool compress;
	int level;             /* zstd level */
	uint64_t likely_bytes; /* plain size to reserve tables for; more is allowed */
	size_t memory_budget;  /* bytes for ring and compressors; at least one of each is made */
	unsigned workers;      /* most threads to use beside the caller's; at least 1 */
	/* Not zero: sink_room gives no more room. May be NULL. */
	const volatile sig_atomic_t *interrupted;
	/* Once the file system of fd has less free than this, sink_room gives no more room, and what
	 * was filled before is still written. Asked now and then, from the writing threads. 0: never.
	 */
	uint64_t reserve_bytes;
};

struct sink;

/* Ends with sink_destroy. NULL where no thread can be started. */
struct sink *sink_create(const struct sink_options *options, struct err *err);
void sink_destroy(struct sink *sink);

/* Room for bytes that the caller fills in place, at least 1 and up to FORMAT_FRAME_BYTES; waits
 * for a free frame. NULL where the sink failed, was interrupted or is scarce. */
uint8_t *sink_room(struct sink *sink, size_t *size);

/* The first `size` bytes of the room are filled. */
void sink_commit(struct sink *sink, size_t size);

/* Appends a copy. */
void sink_write(struct sink *sink, const void *data, size_t size);

/* Appends zeros, which a sparse file does not store. */
void sink_hole(struct sink *sink, uint64_t size);

/* Replaces bytes that were appended before (sparse only: the file must be there to be written
 * again). Their blocks get new sums in sink_sums. Waits until earlier frames are written. */
void sink_rewrite(struct sink *sink, uint64_t offset, const void *data, size_t size);

/* The same with zeros, which cost no room where the file system can make a hole. */
void sink_rewrite_hole(struct sink *sink, uint64_t offset, uint64_t size);

/* Plain bytes so far. */
uint64_t sink_offset(const struct sink *sink);

/* Ends the checksummed part here and waits for its last sum: XXH3-64 of each block of
 * FORMAT_BLOCK_BYTES. The sums are valid until sink_destroy. */
const uint64_t *sink_sums(struct sink *sink, size_t *count);

/* Writes what is left and the seek table. False with the first failure, if any: what the output
 * refused, never a reason of the target's. */
bool sink_finish(struct sink *sink, struct err *err);

bool sink_ok(const struct sink *sink);

/* True once the reserve was reached. */
bool sink_is_scarce(const struct sink *sink);

/* Bytes the output took: compressed ones where it compresses, without holes. */
uint64_t sink_stored(const struct sink *sink);

#endif
