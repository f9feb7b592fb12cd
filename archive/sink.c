#include "archive/sink.h"

#include "archive/sink_worker.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { WAIT_NS = 100000000 };

static uint64_t blocks_of(uint64_t bytes)
{
	return (bytes + FORMAT_BLOCK_BYTES - 1) / FORMAT_BLOCK_BYTES;
}

bool sink_ok(const struct sink *sink)
{
	return atomic_load(&sink->failed) == 0;
}

/* A page-aligned buffer whose pages are there: a first touch during the stop would cost time. */
static uint8_t *make_buffer(size_t size)
{
	void *buffer =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (buffer == MAP_FAILED)
		mem_resize(NULL, SIZE_MAX, 1);
	return buffer;
}

static void add_frame(struct sink *sink)
{
	struct sink_frame *frame = &sink->frames[sink->frame_count++];

	frame->free = true;
	frame->plain = make_buffer(FORMAT_FRAME_BYTES);
	if (sink->options.compress)
		frame->packed = make_buffer(zstd_packed_limit(FORMAT_FRAME_BYTES));
}

static void prepare_hole(struct sink *sink)
{
	uint8_t *zeros = sink->frames[0].plain;

	memset(zeros, 0, FORMAT_FRAME_BYTES);
	sink->hole_sum = XXH3_64bits(zeros, FORMAT_BLOCK_BYTES);
	if (!sink->options.compress)
		return;
	sink->hole_packed = mem_zeroed(zstd_packed_limit(FORMAT_FRAME_BYTES), 1);
	sink->hole_packed_size =
		zstd_packer_pack(sink->packers[0], zeros, FORMAT_FRAME_BYTES, sink->hole_packed);
	sink->hole_packed = mem_resize(sink->hole_packed, sink->hole_packed_size, 1);
}

static size_t frame_memory(const struct sink *sink)
{
	return FORMAT_FRAME_BYTES +
		   (sink->options.compress ? zstd_packed_limit(FORMAT_FRAME_BYTES) : 0);
}

/* As many workers as asked for and the budget allows, each with its packer and a frame of its own;
 * two more frames keep the caller filling. */
static bool make_workers(struct sink *sink)
{
	size_t each = frame_memory(sink), used = 2 * each;
	size_t most =
		sink->options.workers < SINK_MAX_WORKERS ? sink->options.workers : SINK_MAX_WORKERS;

	add_frame(sink);
	add_frame(sink);
	do {
		struct zstd_packer *packer =
			sink->options.compress ? zstd_packer_create(sink->options.level) : NULL;

		sink->packers[sink->workers] = packer;
		used += each + (packer ? zstd_packer_memory(packer) : 0);
		add_frame(sink);
		if (!sink->workers)
			prepare_hole(sink);
		if (!sink_worker_start(sink))
			return sink->workers > 0;
	} while (sink->workers < most && used + used / sink->workers <= sink->options.memory_budget);
	return true;
}

struct sink *sink_create(const struct sink_options *options, struct err *err)
{
	struct sink *sink = mem_zeroed(1, sizeof *sink);

	sink->options = *options;
	sink->covered = UINT64_MAX;
	sink->sums_capacity = (size_t)blocks_of(options->likely_bytes) + 1024;
	sink->sums = mem_zeroed(sink->sums_capacity, sizeof *sink->sums);
	pthread_mutex_init(&sink->mutex, NULL);
	pthread_cond_init(&sink->changed, NULL);
	if (options->compress) {
		sink->table.capacity = sink->sums_capacity / SINK_FRAME_BLOCKS + 1024;
		sink->table.items = mem_zeroed(sink->table.capacity, sizeof *sink->table.items);
	}
	if (!make_workers(sink)) {
		err_set(err, ERR_SYSTEM, "cannot start a thread");
		sink_destroy(sink);
		return NULL;
	}
	return sink;
}

void sink_destroy(struct sink *sink)
{
	if (!sink)
		return;
	sink_worker_stop(sink);
	for (size_t i = 0; i < sink->frame_count; i++) {
		munmap(sink->frames[i].plain, FORMAT_FRAME_BYTES);
		if (sink->frames[i].packed)
			munmap(sink->frames[i].packed, zstd_packed_limit(FORMAT_FRAME_BYTES));
	}
	for (size_t i = 0; i < SINK_MAX_WORKERS; i++)
		zstd_packer_destroy(sink->packers[i]);
	free(sink->hole_packed);
	free(sink->sums);
	free(sink->stale);
	vec_deinit(&sink->table);
	pthread_cond_destroy(&sink->changed);
	pthread_mutex_destroy(&sink->mutex);
	free(sink);
}

/* --- filling --- */

bool sink_is_scarce(const struct sink *sink)
{
	return atomic_load(&sink->scarce);
}

static bool interrupted(const struct sink *sink)
{
	return sink_is_scarce(sink) || (sink->options.interrupted && *sink->options.interrupted);
}

/* Waits for a change, and no longer than WAIT_NS or up to the deadline, so that both that and an
 * interruption are seen. */
static void wait_changed(struct sink *sink)
{
	int64_t left = sink->deadline_ns ? sink->deadline_ns - progress_now_ns() : WAIT_NS;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += left < 0 ? 0 : left < WAIT_NS ? left : WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&sink->changed, &sink->mutex, &until);
}

static struct sink_frame *find_free(struct sink *sink)
{
	for (size_t i = 0; i < sink->frame_count; i++)
		if (sink->frames[i].free)
			return &sink->frames[i];
	return NULL;
}

static bool is_late(const struct sink *sink)
{
	return sink->deadline_ns && progress_now_ns() >= sink->deadline_ns;
}

void sink_set_deadline(struct sink *sink, int64_t deadline_ns)
{
	sink->deadline_ns = deadline_ns;
}

static void grow_sums(struct sink *sink, uint64_t frames)
{
	size_t wanted = (size_t)frames * SINK_FRAME_BLOCKS;

	if (wanted <= sink->sums_capacity)
		return;
	/* Workers write sums: none may hold the old array. */
	pthread_mutex_lock(&sink->mutex);
	while (sink->busy)
		pthread_cond_wait(&sink->changed, &sink->mutex);
	pthread_mutex_unlock(&sink->mutex);
	sink->sums = mem_resize(sink->sums, wanted * 2, sizeof *sink->sums);
	if (sink->stale) {
		sink->stale = mem_resize(sink->stale, wanted * 2, 1);
		memset(sink->stale + sink->sums_capacity, 0, wanted * 2 - sink->sums_capacity);
	}
	sink->sums_capacity = wanted * 2;
}

/* Only memory is given up for an interruption: headers and holes keep the layout whole. */
static bool open_frame(struct sink *sink, bool interruptible)
{
	struct sink_frame *frame = NULL;

	if (sink->filling)
		return true;
	pthread_mutex_lock(&sink->mutex);
	while (sink_ok(sink) && !(interruptible && (interrupted(sink) || is_late(sink))) &&
		   !(frame = find_free(sink)))
		wait_changed(sink);
	if (frame)
		frame->free = false;
	pthread_mutex_unlock(&sink->mutex);
	if (!frame)
		return false;
	grow_sums(sink, sink->next_number + 1);
	frame->size = 0;
	frame->number = sink->next_number++;
	frame->is_hole = true;
	memset(frame->has_data, 0, sizeof frame->has_data);
	sink->filling = frame;
	return true;
}

static void queue_frame(struct sink *sink)
{
	struct sink_frame *frame = sink->filling;

	if (!frame)
		return;
	if (frame->is_hole && frame->size < FORMAT_FRAME_BYTES) {
		memset(frame->plain, 0, frame->size);
		frame->is_hole = false;
	}
	sink->filling = NULL;
	pthread_mutex_lock(&sink->mutex);
	sink->queue[sink->queued++] = frame;
	sink->busy++;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->mutex);
}

static void advance(struct sink *sink, size_t size)
{
	sink->filling->size += size;
	if (sink->filling->size == FORMAT_FRAME_BYTES)
		queue_frame(sink);
}

static uint8_t *make_room(struct sink *sink, bool interruptible, size_t *size)
{
	*size = 0;
	if (!sink_ok(sink) || (interruptible && interrupted(sink)) || !open_frame(sink, interruptible))
		return NULL;
	*size = FORMAT_FRAME_BYTES - sink->filling->size;
	return sink->filling->plain + sink->filling->size;
}

uint8_t *sink_room(struct sink *sink, size_t *size)
{
	return make_room(sink, true, size);
}

uint8_t *sink_room_always(struct sink *sink, size_t *size)
{
	return make_room(sink, false, size);
}

void sink_fail(struct sink *sink, int sys)
{
	sink_worker_fail(sink, sys);
}

/* The holes before the first data of a frame were not cleared yet. */
static void mark_data(struct sink_frame *frame, size_t size)
{
	size_t first = frame->size / SINK_UNIT, last = (frame->size + size - 1) / SINK_UNIT;

	if (frame->is_hole)
		memset(frame->plain, 0, frame->size);
	frame->is_hole = false;
	memset(frame->has_data + first, true, last - first + 1);
}

void sink_commit(struct sink *sink, size_t size)
{
	if (!size || !sink->filling)
		return;
	mark_data(sink->filling, size);
	advance(sink, size);
}

void sink_write(struct sink *sink, const void *data, size_t size)
{
	const uint8_t *from = data;

	while (size) {
		size_t room, part;
		uint8_t *to = make_room(sink, false, &room);

		if (!to)
			return;
		part = size < room ? size : room;
		memcpy(to, from, part);
		sink_commit(sink, part);
		from += part;
		size -= part;
	}
}

void sink_hole(struct sink *sink, uint64_t size)
{
	while (size) {
		size_t room, part;
		uint8_t *to = make_room(sink, false, &room);

		if (!to)
			return;
		part = size < room ? (size_t)size : room;
		if (!sink->filling->is_hole)
			memset(to, 0, part);
		advance(sink, part);
		size -= part;
	}
}

/* --- rewriting --- */

static void mark_stale(struct sink *sink, uint64_t offset, uint64_t size)
{
	if (!sink->stale)
		sink->stale = mem_zeroed(sink->sums_capacity, 1);
	for (uint64_t i = offset / FORMAT_BLOCK_BYTES; i * FORMAT_BLOCK_BYTES < offset + size; i++)
		sink->stale[i] = 1;
}

/* The part of the bytes that stands in the frame being filled is put there; gives the size of the
 * part before it, which is in the file. */
static uint64_t rewrite_filling(struct sink *sink, uint64_t offset, const uint8_t *data,
								uint64_t size)
{
	struct sink_frame *frame = sink->filling;
	uint64_t start, before;
	size_t at, part;

	if (!frame || offset + size <= frame->number * FORMAT_FRAME_BYTES)
		return size;
	start = frame->number * FORMAT_FRAME_BYTES;
	before = offset < start ? start - offset : 0;
	at = (size_t)(offset + before - start);
	part = (size_t)(size - before);
	if (frame->is_hole && data) {
		memset(frame->plain, 0, frame->size);
		frame->is_hole = false;
	}
	if (data) {
		memcpy(frame->plain + at, data + before, part);
		memset(frame->has_data + at / SINK_UNIT, true,
			   (at + part - 1) / SINK_UNIT - at / SINK_UNIT + 1);
	} else if (!frame->is_hole) {
		memset(frame->plain + at, 0, part);
	}
	return before;
}

void sink_rewrite(struct sink *sink, uint64_t offset, const void *data, size_t size)
{
	uint64_t written;

	if (!sink_ok(sink) || !size)
		return;
	written = rewrite_filling(sink, offset, data, size);
	if (!written)
		return;
	sink_worker_wait_idle(sink);
	sink_worker_put(sink, data, (size_t)written, offset);
	mark_stale(sink, offset, written);
}

void sink_rewrite_hole(struct sink *sink, uint64_t offset, uint64_t size)
{
	static const uint8_t zeros[1 << 16];
	uint64_t written;

	if (!sink_ok(sink) || !size)
		return;
	written = rewrite_filling(sink, offset, NULL, size);
	if (!written)
		return;
	sink_worker_wait_idle(sink);
	mark_stale(sink, offset, written);
	if (fallocate(sink->options.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
				  (off_t)written) == 0)
		return;
	for (uint64_t at = 0; at < written; at += sizeof zeros)
		sink_worker_put(sink, zeros,
						written - at < sizeof zeros ? (size_t)(written - at) : sizeof zeros,
						offset + at);
}

/* Reads rewritten blocks back and sums them again; what was never written reads as zeros. */
static void sum_stale(struct sink *sink)
{
	uint8_t *block = sink->stale ? mem_zeroed(FORMAT_BLOCK_BYTES, 1) : NULL;
	uint64_t end = sink->filling ? sink->filling->number * FORMAT_FRAME_BYTES : sink->covered;

	for (uint64_t i = 0; block && i * FORMAT_BLOCK_BYTES < end; i++) {
		uint64_t start = i * FORMAT_BLOCK_BYTES, left = end - start;
		size_t size = left < FORMAT_BLOCK_BYTES ? (size_t)left : FORMAT_BLOCK_BYTES;

		if (!sink->stale[i])
			continue;
		if (!file_read_at(sink->options.fd, block, size, start))
			sink_worker_fail(sink, errno);
		sink->sums[i] = XXH3_64bits(block, size);
	}
	free(block);
}

uint64_t sink_offset(const struct sink *sink)
{
	return sink->filling ? sink->filling->number * FORMAT_FRAME_BYTES + sink->filling->size
						 : sink->next_number * FORMAT_FRAME_BYTES;
}

uint64_t sink_stored(const struct sink *sink)
{
	return sink->stored;
}

const uint64_t *sink_sums(struct sink *sink, size_t *count)
{
	sink_worker_wait_idle(sink);
	sink->covered = sink_offset(sink);
	*count = (size_t)blocks_of(sink->covered);
	if (sink->filling) {
		/* This frame goes on behind the covered part: its whole sums so far are made here, and
		 * sum_frame leaves alone what passes the covered bytes. */
		if (sink->filling->is_hole)
			memset(sink->filling->plain, 0, sink->filling->size);
		sink->filling->is_hole = false;
		sink_worker_sum(sink, sink->filling);
	}
	sum_stale(sink);
	return sink->sums;
}

static void write_table(struct sink *sink)
{
	struct strbuf table = { 0 };

	zstd_frames_table(&sink->table, &table);
	if (sink_ok(sink) && !file_write(sink->options.fd, table.data, table.size))
		sink_worker_fail(sink, errno);
	sink->stored += table.size;
	strbuf_deinit(&table);
}

bool sink_finish(struct sink *sink, struct err *err)
{
	uint64_t total = sink_offset(sink);
	int problem;

	queue_frame(sink);
	sink_worker_wait_idle(sink);
	sink_worker_stop(sink);
	if (sink->options.compress)
		write_table(sink);
	else if (sink->options.sparse && sink_ok(sink) && ftruncate(sink->options.fd, (off_t)total) < 0)
		sink_worker_fail(sink, errno);
	problem = atomic_load(&sink->failed);
	return problem ? err_sys(err, problem, "cannot write the output") : true;
}
