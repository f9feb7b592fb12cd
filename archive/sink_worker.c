#include "archive/sink_worker.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>

/* Of the one who starts a worker, until the worker has taken it. */
struct worker_start {
	struct sink *sink;
	size_t index;
	bool taken;
};

void sink_worker_fail(struct sink *sink, int sys)
{
	int none = 0;

	atomic_compare_exchange_strong(&sink->failed, &none, sys);
}

void sink_worker_sum(struct sink *sink, const struct sink_frame *frame)
{
	uint64_t start = frame->number * FORMAT_FRAME_BYTES;

	for (size_t at = 0; at < frame->size; at += FORMAT_BLOCK_BYTES) {
		size_t left = frame->size - at;
		size_t size = left < FORMAT_BLOCK_BYTES ? left : FORMAT_BLOCK_BYTES;

		if (start + at + size <= sink->covered)
			sink->sums[(start + at) / FORMAT_BLOCK_BYTES] =
				frame->is_hole ? sink->hole_sum : XXH3_64bits(frame->plain + at, size);
	}
}

void sink_worker_put(struct sink *sink, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t put = pwrite(sink->options.fd, data, size, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			sink_worker_fail(sink, errno);
			return;
		}
		data += put;
		offset += (uint64_t)put;
		size -= (size_t)put;
	}
}

/* Gives the bytes stored. */
static uint64_t write_sparse(struct sink *sink, const struct sink_frame *frame)
{
	uint64_t start = frame->number * FORMAT_FRAME_BYTES, stored = 0;
	size_t units = (frame->size + SINK_UNIT - 1) / SINK_UNIT;

	for (size_t first = 0, end; first < units; first = end) {
		size_t from = first * SINK_UNIT, to;

		end = first + 1;
		while (end < units && frame->has_data[end] == frame->has_data[first])
			end++;
		to = end * SINK_UNIT < frame->size ? end * SINK_UNIT : frame->size;
		if (!frame->has_data[first])
			continue;
		sink_worker_put(sink, frame->plain + from, to - from, start + from);
		stored += to - from;
	}
	return stored;
}

/* Frames are packed in parallel and written in order: each waits for the one before it. */
static void write_in_order(struct sink *sink, const struct sink_frame *frame, const uint8_t *bytes,
						   size_t size)
{
	pthread_mutex_lock(&sink->mutex);
	while (sink->next_written != frame->number)
		pthread_cond_wait(&sink->changed, &sink->mutex);
	pthread_mutex_unlock(&sink->mutex);
	if (sink_ok(sink) && !file_write(sink->options.fd, bytes, size))
		sink_worker_fail(sink, errno);
	pthread_mutex_lock(&sink->mutex);
	sink->next_written++;
	sink->stored += size;
	if (sink->options.compress)
		*vec_add(&sink->table) = (struct zstd_frame){ (uint32_t)size, (uint32_t)frame->size };
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->mutex);
}

static void process_frame(struct sink *sink, size_t worker, struct sink_frame *frame)
{
	uint64_t stored;

	sink_worker_sum(sink, frame);
	if (sink->options.compress && frame->is_hole) {
		write_in_order(sink, frame, sink->hole_packed, sink->hole_packed_size);
	} else if (sink->options.compress) {
		size_t size =
			zstd_packer_pack(sink->packers[worker], frame->plain, frame->size, frame->packed);

		write_in_order(sink, frame, frame->packed, size);
	} else if (!sink->options.sparse) {
		if (frame->is_hole)
			memset(frame->plain, 0, frame->size);
		write_in_order(sink, frame, frame->plain, frame->size);
	} else if (!frame->is_hole && sink_ok(sink)) {
		stored = write_sparse(sink, frame);
		pthread_mutex_lock(&sink->mutex);
		sink->stored += stored;
		pthread_mutex_unlock(&sink->mutex);
	}
}

/* Bytes that will still be written once the sink is scarce; 0 where it is too early to ask again: a
 * network file system may take a while to answer. */
static uint64_t due_bytes(struct sink *sink)
{
	uint64_t quarter = sink->options.reserve_bytes / 4, due = 0;

	pthread_mutex_lock(&sink->mutex);
	if (sink->stored - sink->watched >= (quarter < SINK_WATCH_BYTES ? quarter : SINK_WATCH_BYTES)) {
		sink->watched = sink->stored;
		/* Until the next look, the frame being filled and one for each worker may be queued. */
		due = (sink->busy + 1 + sink->workers) * FORMAT_FRAME_BYTES + FORMAT_TRAILER_BYTES;
	}
	pthread_mutex_unlock(&sink->mutex);
	return due;
}

static void watch_space(struct sink *sink)
{
	uint64_t due = sink->options.reserve_bytes ? due_bytes(sink) : 0, free_bytes;
	struct statvfs disk;

	/* A file system without a limit says 0 blocks. */
	if (!due || fstatvfs(sink->options.fd, &disk) < 0 || !disk.f_blocks)
		return;
	free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (free_bytes < due || free_bytes - due < sink->options.reserve_bytes)
		atomic_store(&sink->scarce, true);
}

static struct sink_frame *take_queued(struct sink *sink)
{
	struct sink_frame *frame = NULL;

	pthread_mutex_lock(&sink->mutex);
	while (!sink->queued && !sink->ending)
		pthread_cond_wait(&sink->changed, &sink->mutex);
	if (sink->queued) {
		frame = sink->queue[0];
		memmove(sink->queue, sink->queue + 1, --sink->queued * sizeof *sink->queue);
	}
	pthread_mutex_unlock(&sink->mutex);
	return frame;
}

static void *worker_main(void *argument)
{
	struct worker_start *start = argument;
	struct sink *sink = start->sink;
	size_t index = start->index;
	struct sink_frame *frame;

	pthread_mutex_lock(&sink->mutex);
	start->taken = true;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->mutex);
	while ((frame = take_queued(sink))) {
		process_frame(sink, index, frame);
		watch_space(sink);
		pthread_mutex_lock(&sink->mutex);
		frame->free = true;
		sink->busy--;
		pthread_cond_broadcast(&sink->changed);
		pthread_mutex_unlock(&sink->mutex);
	}
	return NULL;
}

static void wait_taken(struct sink *sink, const struct worker_start *start)
{
	pthread_mutex_lock(&sink->mutex);
	while (!start->taken)
		pthread_cond_wait(&sink->changed, &sink->mutex);
	pthread_mutex_unlock(&sink->mutex);
}

/* Signals are the main thread's: a worker that took SIGINT would only shorten its own write. A
 * thread that begins may allocate (its cache of freed memory, a sanitizer's books): that it does
 * before this returns, not in the stop of a target that comes next. */
bool sink_worker_start(struct sink *sink)
{
	struct worker_start start = { .sink = sink, .index = sink->workers };
	sigset_t all, before;
	int problem;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	problem = pthread_create(&sink->threads[sink->workers], NULL, worker_main, &start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (problem)
		return false;
	wait_taken(sink, &start);
	sink->workers++;
	return true;
}

void sink_worker_stop(struct sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	sink->ending = true;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->mutex);
	for (size_t i = 0; i < sink->workers; i++)
		pthread_join(sink->threads[i], NULL);
	sink->workers = 0;
}

void sink_worker_wait_idle(struct sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	while (sink->busy)
		pthread_cond_wait(&sink->changed, &sink->mutex);
	pthread_mutex_unlock(&sink->mutex);
}
