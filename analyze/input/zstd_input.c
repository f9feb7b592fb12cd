#include "analyze/input/zstd_input.h"

#include "analyze/input/spool.h"
#include "archive/format.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/workers.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

/* Frames of more plain bytes are streamed: a frame is decompressed into one buffer a worker. */
#define FRAME_MAX_BYTES (UINT64_C(64) << 20)

enum {
	TROUBLES_KEPT = 100,
	TABLE_FOOTER = 9,       /* frame count, descriptor, magic */
	SKIPPABLE_HEADER = 8,   /* magic, size */
	TABLE_HAS_SUMS = 1 << 7 /* bit of the descriptor */
};

/* A frame and where its bytes go. */
struct frame {
	uint64_t from, bytes;     /* in the compressed file */
	uint64_t to, plain_bytes; /* in the plain file */
	const char *failure;      /* static text; NULL: decompressed */
};

struct frames {
	VEC(struct frame) items;
	uint64_t plain_bytes;
	bool cut;      /* the walk ended before the file did */
	bool doubtful; /* the seek table and a frame's header disagree: one of them is damaged */
};

static void add_trouble(struct zstd_input *input, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void add_trouble(struct zstd_input *input, const char *format, ...)
{
	char line[256];
	va_list args;

	if (input->troubles.count >= TROUBLES_KEPT)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	*vec_add(&input->troubles) = pool_string(&input->pool, line);
}

static uint32_t magic_at(struct span file, uint64_t offset)
{
	struct cursor cursor = cursor_make(span_part(file, offset, 4), false);

	return cursor_u32(&cursor);
}

/* RFC 8878 3.1.2: sixteen magic numbers. */
static bool is_skippable(uint32_t magic)
{
	return (magic & 0xfffffff0) == ZSTD_MAGIC_SKIPPABLE_START;
}

bool zstd_input_is(struct span file)
{
	uint32_t magic = magic_at(file, 0);

	return magic == ZSTD_MAGICNUMBER || is_skippable(magic);
}

static void add_frame(struct frames *frames, uint64_t from, uint64_t bytes, uint64_t plain_bytes)
{
	*vec_add(&frames->items) =
		(struct frame){ from, bytes, frames->plain_bytes, plain_bytes, NULL };
	frames->plain_bytes += plain_bytes;
}

/* The entries of the seek table, empty where the file does not end with a sound one. */
static struct span table_entries(struct span file, size_t *entry_bytes, size_t *table_bytes)
{
	struct span foot =
		span_part(file, file.size < TABLE_FOOTER ? 0 : file.size - TABLE_FOOTER, TABLE_FOOTER);
	struct cursor cursor = cursor_make(foot, false);
	uint32_t count = cursor_u32(&cursor);
	uint8_t descriptor = cursor_u8(&cursor);
	size_t entries, start;

	if (cursor_u32(&cursor) != FORMAT_ZSTD_SEEKABLE || !cursor_ok(&cursor))
		return span_make(NULL, 0);
	*entry_bytes = descriptor & TABLE_HAS_SUMS ? 12 : 8;
	entries = (size_t)count * *entry_bytes;
	*table_bytes = SKIPPABLE_HEADER + entries + TABLE_FOOTER;
	if (*table_bytes > file.size)
		return span_make(NULL, 0);
	start = file.size - *table_bytes;
	cursor = cursor_make(span_part(file, start, SKIPPABLE_HEADER), false);
	if (cursor_u32(&cursor) != FORMAT_ZSTD_SKIPPABLE ||
		cursor_u32(&cursor) != entries + TABLE_FOOTER)
		return span_make(NULL, 0);
	return span_part(file, start + SKIPPABLE_HEADER, entries);
}

static bool disagrees(struct span frame, uint64_t plain_bytes)
{
	unsigned long long plain = ZSTD_getFrameContentSize(frame.data, frame.size);

	return plain == ZSTD_CONTENTSIZE_ERROR ||
		   (plain != ZSTD_CONTENTSIZE_UNKNOWN && plain != plain_bytes);
}

/* Takes the frames of the seek table. False where there is none, or where it does not say of every
 * byte before it which frame it belongs to. */
static bool read_table(struct span file, struct frames *frames)
{
	size_t entry_bytes = 8, table_bytes = 0;
	struct cursor cursor = cursor_make(table_entries(file, &entry_bytes, &table_bytes), false);
	uint64_t from = 0;

	while (cursor_left(&cursor) >= entry_bytes) {
		uint32_t bytes = cursor_u32(&cursor), plain_bytes = cursor_u32(&cursor);

		cursor_skip(&cursor, entry_bytes - 8);
		if (plain_bytes > FRAME_MAX_BYTES)
			return false;
		frames->doubtful |= disagrees(span_part(file, from, bytes), plain_bytes);
		add_frame(frames, from, bytes, plain_bytes);
		from += bytes;
	}
	return frames->items.count && from == file.size - table_bytes;
}

/* Takes the frames that follow each other from the start of the file. False where one does not say
 * its plain size or says too much of it. */
static bool walk_frames(struct span file, struct frames *frames)
{
	uint64_t from = 0;

	while (from < file.size) {
		struct span rest = span_part(file, from, file.size - from);
		unsigned long long plain = ZSTD_getFrameContentSize(rest.data, rest.size);
		size_t bytes = ZSTD_findFrameCompressedSize(rest.data, rest.size);

		if (plain == ZSTD_CONTENTSIZE_ERROR || (ZSTD_isError(bytes) && frames->items.count)) {
			frames->cut = true;
			return frames->items.count > 0;
		}
		if (plain > FRAME_MAX_BYTES || ZSTD_isError(bytes))
			return false;
		if (!is_skippable(magic_at(file, from)))
			add_frame(frames, from, bytes, plain);
		from += bytes;
	}
	return frames->items.count > 0;
}

/* Decompression of frames in parallel. */
struct job {
	struct span file;
	struct frames *frames;
	ZSTD_DCtx **contexts; /* one a worker, as the buffers */
	uint8_t **buffers;
	size_t buffer_bytes;
	int fd;
	atomic_int write_error; /* errno of the first failed write */
	struct progress *progress;
};

static void run_frame(void *context, size_t index, unsigned worker)
{
	struct job *job = context;
	struct frame *frame = &job->frames->items.items[index];
	struct span from = span_part(job->file, frame->from, frame->bytes);
	size_t got;

	if (atomic_load(&job->write_error))
		return;
	if (!job->contexts[worker]) {
		job->contexts[worker] = ZSTD_createDCtx();
		job->buffers[worker] = mem_zeroed(job->buffer_bytes, 1);
	}
	got = ZSTD_decompressDCtx(job->contexts[worker], job->buffers[worker], frame->plain_bytes,
							  from.data, from.size);
	if (ZSTD_isError(got))
		frame->failure = ZSTD_getErrorName(got);
	else if (got != frame->plain_bytes)
		frame->failure = "it holds fewer bytes than the seek table says";
	else if (!spool_write(job->fd, span_make(job->buffers[worker], got), frame->to))
		atomic_store(&job->write_error, errno);
	progress_add(job->progress, frame->plain_bytes);
}

static size_t largest_frame(const struct frames *frames)
{
	uint64_t largest = 1;

	for (size_t i = 0; i < frames->items.count; i++)
		if (frames->items.items[i].plain_bytes > largest)
			largest = frames->items.items[i].plain_bytes;
	return largest;
}

/* Neighbours become one range with the first one's reason. */
static void add_lost(struct zstd_input *input, const struct frame *frame, const char *reason)
{
	struct lost_range *last = input->lost.count ? &input->lost.items[input->lost.count - 1] : NULL;

	if (last && last->end == frame->to)
		last->end += frame->plain_bytes;
	else if (frame->plain_bytes)
		*vec_add(&input->lost) = (struct lost_range){ frame->to, frame->to + frame->plain_bytes,
													  pool_string(&input->pool, reason) };
}

static void collect_lost(struct zstd_input *input, const struct frames *frames)
{
	for (size_t i = 0; i < frames->items.count; i++) {
		const struct frame *frame = &frames->items.items[i];
		char reason[160];

		if (!frame->failure)
			continue;
		snprintf(reason, sizeof reason, "zstd frame %zu of the file is damaged: %s", i,
				 frame->failure);
		add_lost(input, frame, reason);
		add_trouble(input, "%s (%llu plain bytes from %llu on are lost)", reason,
					(unsigned long long)frame->plain_bytes, (unsigned long long)frame->to);
	}
}

static bool decompress_frames(struct zstd_input *input, struct span file, struct frames *frames,
							  unsigned workers, struct progress *progress, struct err *err)
{
	unsigned team = workers ? workers : 1;
	AUTO_FREE ZSTD_DCtx **contexts = mem_zeroed(team, sizeof *contexts);
	AUTO_FREE uint8_t **buffers = mem_zeroed(team, sizeof *buffers);
	struct job job = { .file = file,
					   .frames = frames,
					   .contexts = contexts,
					   .buffers = buffers,
					   .buffer_bytes = largest_frame(frames),
					   .fd = input->fd,
					   .progress = progress };

	progress_start(progress, "decompressing", frames->plain_bytes);
	workers_run(team, frames->items.count, run_frame, &job);
	progress_end(progress);
	for (unsigned i = 0; i < team; i++) {
		ZSTD_freeDCtx(contexts[i]);
		free(buffers[i]);
	}
	if (atomic_load(&job.write_error))
		return spool_failed(atomic_load(&job.write_error), err);
	collect_lost(input, frames);
	if (frames->cut) {
		input->truncated = true;
		add_trouble(input, "the compressed file ends inside a frame, or is damaged from there on");
	}
	return spool_map(input->fd, frames->plain_bytes, &input->plain, err);
}

/* Sequential decompression of whatever the file holds. Gives the plain bytes written; stops at the
 * first damage, which it names. */
static bool stream(struct zstd_input *input, ZSTD_DCtx *context, struct span file,
				   struct progress *progress, uint64_t *plain_bytes, struct err *err)
{
	size_t room = 4 << 20, left = 0;
	AUTO_FREE uint8_t *buffer = mem_zeroed(room, 1);
	ZSTD_inBuffer in = { file.data, file.size, 0 };
	bool full = false;

	/* A full output buffer may leave bytes in the context when the input is used up. */
	while (in.pos < in.size || full) {
		ZSTD_outBuffer out = { buffer, room, 0 };
		size_t before = in.pos;

		left = ZSTD_decompressStream(context, &out, &in);
		if (!spool_write(input->fd, span_make(buffer, out.pos), *plain_bytes))
			return spool_failed(errno, err);
		*plain_bytes += out.pos;
		progress_add(progress, in.pos - before);
		if (ZSTD_isError(left)) {
			add_trouble(input,
						"the compressed data is damaged at byte %zu (%s): nothing behind it "
						"can be read",
						in.pos, ZSTD_getErrorName(left));
			break;
		}
		full = out.pos == room;
		if (in.pos == before && out.pos == 0)
			break;
	}
	if (left && !ZSTD_isError(left))
		add_trouble(input, "the compressed file ends inside a frame");
	input->truncated = left != 0;
	return true;
}

static bool decompress_stream(struct zstd_input *input, struct span file, struct progress *progress,
							  struct err *err)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	uint64_t plain_bytes = 0;
	bool done;

	progress_start(progress, "decompressing", file.size);
	done = stream(input, context, file, progress, &plain_bytes, err);
	progress_end(progress);
	ZSTD_freeDCtx(context);
	return done && spool_map(input->fd, plain_bytes, &input->plain, err);
}

/* Takes the frames from the seek table or, where it is missing or doubtful, from a walk that comes
 * to the file's end. False where the file is to be streamed. */
static bool find_frames(struct span file, struct frames *frames)
{
	struct frames walked = { 0 };
	bool tabled = read_table(file, frames), usable;

	if (tabled && !frames->doubtful)
		return true;
	usable = walk_frames(file, &walked) && !(tabled && walked.cut);
	if (usable || !tabled) {
		vec_deinit(&frames->items);
		*frames = walked;
		return usable;
	}
	vec_deinit(&walked.items);
	return true;
}

bool zstd_input_open(struct zstd_input *input, struct span file, unsigned workers,
					 struct progress *progress, struct err *err)
{
	struct frames frames = { 0 };
	bool done;

	*input = (struct zstd_input){ .fd = spool_open(err) };
	if (input->fd < 0)
		return false;
	done = find_frames(file, &frames)
			   ? decompress_frames(input, file, &frames, workers, progress, err)
			   : decompress_stream(input, file, progress, err);
	vec_deinit(&frames.items);
	if (done && !input->plain.size) {
		err_set(err, ERR_FORMAT, "nothing can be decompressed: %s",
				input->troubles.count ? input->troubles.items[0] : "the file holds no data");
		return err_hint(err, "copy the file again, compare its size and checksum");
	}
	return done;
}

void zstd_input_close(struct zstd_input *input)
{
	if (input->plain.data)
		munmap((void *)(uintptr_t)input->plain.data, input->plain.size);
	if (input->fd >= 0)
		close(input->fd);
	vec_deinit(&input->lost);
	vec_deinit(&input->troubles);
	pool_deinit(&input->pool);
	*input = (struct zstd_input){ .fd = -1 };
}
