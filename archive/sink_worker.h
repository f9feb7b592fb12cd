/* sink_worker: the threads behind a sink: they take filled frames, make their sums, compress and
 * write them. Internal to archive/sink.c. */
#ifndef ARCHIVE_SINK_WORKER_H
#define ARCHIVE_SINK_WORKER_H

#include "archive/format.h"
#include "archive/sink.h"
#include "archive/zstd_frames.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	SINK_UNIT = 4096, /* a hole is a whole number of units */
	SINK_FRAME_UNITS = FORMAT_FRAME_BYTES / SINK_UNIT,
	SINK_FRAME_BLOCKS = FORMAT_FRAME_BYTES / FORMAT_BLOCK_BYTES,
	SINK_MAX_WORKERS = 8,
	SINK_MAX_FRAMES = SINK_MAX_WORKERS + 2,
	SINK_WATCH_BYTES = 64 << 20, /* stored between two looks at the free space, at most */
};

/* A frame goes free -> filled by the caller -> queued -> taken by a worker -> free. */
struct sink_frame {
	uint8_t *plain;
	uint8_t *packed; /* NULL where nothing is compressed */
	size_t size;     /* plain bytes filled */
	uint64_t number; /* its place in the file, counted in frames */
	bool has_data[SINK_FRAME_UNITS];
	bool is_hole; /* no data at all: `plain` was not cleared */
	bool free;
};

struct sink {
	struct sink_options options;
	struct sink_frame frames[SINK_MAX_FRAMES];
	size_t frame_count;
	struct sink_frame *filling; /* owned by the caller's thread; NULL between frames */
	uint64_t next_number;
	int64_t deadline_ns; /* 0: none */
	uint64_t *sums;
	size_t sums_capacity;
	uint64_t covered; /* bytes that are checksummed; UINT64_MAX until sink_sums */
	uint64_t hole_sum;
	uint8_t *stale; /* of sums_capacity blocks: rewritten after they were summed; NULL: none */
	uint8_t *hole_packed; /* a whole frame of zeros */
	size_t hole_packed_size;

	/* Guarded by the mutex. */
	pthread_mutex_t mutex;
	/* A frame was queued, taken, written or freed; a worker began; or the end came. */
	pthread_cond_t changed;
	struct sink_frame *queue[SINK_MAX_FRAMES];
	size_t queued;
	uint64_t next_written; /* frames before it are in the output: a stream's order */
	uint64_t busy;         /* frames queued or taken */
	zstd_frame_table table;
	uint64_t stored;
	uint64_t watched; /* `stored` when the free space was last asked for */
	bool ending;
	atomic_int failed; /* errno of the first failure */
	atomic_bool scarce;

	pthread_t threads[SINK_MAX_WORKERS];
	struct zstd_packer *packers[SINK_MAX_WORKERS];
	size_t workers;
};

/* Keeps the first failure: an errno. */
void sink_worker_fail(struct sink *sink, int sys);

/* Makes the sums of the frame's blocks that end in the checksummed part. */
void sink_worker_sum(struct sink *sink, const struct sink_frame *frame);

/* Writes at an offset of a sparse file, whatever the pieces the kernel takes. */
void sink_worker_put(struct sink *sink, const uint8_t *data, size_t size, uint64_t offset);

/* Starts one more worker, and waits until it has begun; its packer is there already. False where
 * the system has no thread. */
bool sink_worker_start(struct sink *sink);

/* Waits until every queued frame is written. */
void sink_worker_wait_idle(struct sink *sink);

/* Ends all workers. */
void sink_worker_stop(struct sink *sink);

#endif
