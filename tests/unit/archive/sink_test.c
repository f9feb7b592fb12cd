#include "tests/unit/unit.h"

#include "archive/format.h"
#include "archive/sink.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

enum { MIB = 1 << 20, DATA = 5 * MIB + 12345 };

static uint8_t data[DATA];
static struct strbuf expected;

/* Data, a hole of several frames, data, a short hole, data: what the plain output must be. */
static int make_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < DATA; i++)
		data[i] = (uint8_t)(i * 2654435761U >> 13);
	strbuf_add(&expected, data, DATA);
	strbuf_pad(&expected, '\0', 9 * MIB + 1);
	strbuf_add(&expected, data, 100);
	strbuf_pad(&expected, '\0', 64 << 10);
	strbuf_add(&expected, data, 3 * MIB);
	return 0;
}

static int drop_data(void **state)
{
	(void)state;
	strbuf_deinit(&expected);
	return 0;
}

static void put_all(struct sink *sink)
{
	sink_write(sink, data, DATA);
	sink_hole(sink, 9 * MIB + 1);
	sink_write(sink, data, 100);
	sink_hole(sink, 64 << 10);
	sink_write(sink, data, 3 * MIB);
}

static struct sink_options options_for(int fd, bool sparse, bool compress)
{
	return (struct sink_options){ .fd = fd,
								  .sparse = sparse,
								  .compress = compress,
								  .level = 1,
								  .memory_budget = 40 * MIB,
								  .workers = 4 };
}

static void fetch(int fd, struct strbuf *out)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_true(file_read(AT_FDCWD, path, 64 * MIB, out, NULL));
	close(fd);
}

/* Writes everything through a sink of these options and gives what arrived. */
static void through(bool sparse, bool compress, struct strbuf *out, uint64_t *stored)
{
	int fd = memfd_create("sink", MFD_CLOEXEC);
	struct sink_options options = options_for(fd, sparse, compress);
	struct err err = { 0 };
	struct sink *sink = sink_create(&options, &err);

	assert_non_null(sink);
	put_all(sink);
	assert_int_equal(sink_offset(sink), expected.size);
	assert_true(sink_finish(sink, &err));
	*stored = sink_stored(sink);
	sink_destroy(sink);
	fetch(fd, out);
}

static void plain_files_keep_their_holes(void **state)
{
	struct strbuf out = { 0 };
	uint64_t stored;

	(void)state;
	through(true, false, &out, &stored);
	assert_true(span_equal(strbuf_span(&out), strbuf_span(&expected)));
	assert_in_range(stored, DATA + 3 * MIB, DATA + 3 * MIB + 4 * 4096);
	strbuf_deinit(&out);
}

static void streams_are_in_order(void **state)
{
	struct strbuf out = { 0 };
	uint64_t stored;

	(void)state;
	through(false, false, &out, &stored);
	assert_true(span_equal(strbuf_span(&out), strbuf_span(&expected)));
	assert_int_equal(stored, expected.size);
	strbuf_deinit(&out);
}

static void frames_unpack_to_the_plain_bytes(void **state)
{
	struct strbuf out = { 0 };
	uint8_t *plain = mem_zeroed(expected.size, 1);
	uint64_t stored;

	(void)state;
	through(false, true, &out, &stored);
	assert_int_equal(out.size, stored);
	assert_int_equal(ZSTD_decompress(plain, expected.size, out.data, out.size), expected.size);
	assert_memory_equal(plain, expected.data, expected.size);
	free(plain);
	strbuf_deinit(&out);
}

static void the_seek_table_finds_every_frame(void **state)
{
	struct strbuf out = { 0 };
	uint64_t stored, plain = 0, packed = 0;
	uint32_t frames, magic;
	struct cursor table;

	(void)state;
	through(false, true, &out, &stored);
	memcpy(&magic, out.data + out.size - 4, 4);
	memcpy(&frames, out.data + out.size - 9, 4);
	assert_int_equal(magic, FORMAT_ZSTD_SEEKABLE);
	assert_int_equal(frames, (expected.size + FORMAT_FRAME_BYTES - 1) / FORMAT_FRAME_BYTES);
	table =
		cursor_make(span_part(strbuf_span(&out), out.size - 9 - 8 * frames - 8, SIZE_MAX), false);
	assert_int_equal(cursor_u32(&table), FORMAT_ZSTD_SKIPPABLE);
	assert_int_equal(cursor_u32(&table), 8 * frames + 9);
	for (uint32_t i = 0; i < frames; i++) {
		uint32_t bytes = cursor_u32(&table);

		assert_int_equal(ZSTD_findFrameCompressedSize(out.data + packed, out.size - packed), bytes);
		packed += bytes;
		plain += cursor_u32(&table);
	}
	assert_int_equal(plain, expected.size);
	assert_int_equal(packed + 8 + 8 * frames + 9, out.size);
	strbuf_deinit(&out);
}

static void sums_are_those_of_the_plain_bytes(void **state)
{
	int fd = memfd_create("sink", MFD_CLOEXEC);
	struct sink_options options = options_for(fd, true, false);
	struct sink *sink = sink_create(&options, NULL);
	const uint64_t *sums;
	size_t count, covered = expected.size;

	(void)state;
	put_all(sink);
	sums = sink_sums(sink, &count);
	assert_int_equal(count, (covered + MIB - 1) / MIB);
	/* What follows the covered bytes in the same frame must not disturb them. */
	sink_write(sink, data, 300 << 10);
	assert_true(sink_finish(sink, NULL));
	for (size_t i = 0; i < count; i++) {
		struct span block = span_part(strbuf_span(&expected), i * MIB, MIB);

		assert_true(sums[i] == XXH3_64bits(block.data, block.size));
	}
	sink_destroy(sink);
	close(fd);
}

static void a_full_disk_is_said(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct sink_options options = options_for(fd, false, true);
	struct sink *sink = sink_create(&options, NULL);
	struct err err = { 0 };

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 20; i++)
		put_all(sink);
	assert_false(sink_ok(sink));
	assert_false(sink_finish(sink, &err));
	assert_int_equal(err.kind, ERR_NO_SPACE);
	sink_destroy(sink);
	close(fd);
}

static void a_closed_pipe_is_said(void **state)
{
	int ends[2];
	struct sink *sink;
	struct sink_options options;
	struct err err = { 0 };

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	options = options_for(ends[1], false, false);
	sink = sink_create(&options, NULL);
	put_all(sink);
	assert_false(sink_finish(sink, &err));
	assert_int_equal(err.kind, ERR_CLOSED);
	sink_destroy(sink);
	close(ends[1]);
}

/* A reader that does not read: the caller gets out by the interruption, and is not stuck. */
static void an_interruption_ends_the_wait(void **state)
{
	static volatile sig_atomic_t interrupted;
	struct sink *sink;
	struct sink_options options;
	size_t size;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	options = options_for(ends[1], false, false);
	options.interrupted = &interrupted;
	options.workers = 1;
	sink = sink_create(&options, NULL);
	sink_write(sink, data, 3 * FORMAT_FRAME_BYTES - MIB);
	assert_non_null(sink_room(sink, &size));
	interrupted = 1;
	assert_null(sink_room(sink, &size));
	assert_true(sink_ok(sink));
	close(ends[0]);
	assert_false(sink_finish(sink, NULL));
	sink_destroy(sink);
	close(ends[1]);
}

/* Room ends, and what was filled before and the holes behind it are written all the same. */
static void a_scarce_disk_ends_the_room(void **state)
{
	char path[] = "/tmp/dumpcore-sink-XXXXXX";
	int fd = mkstemp(path);
	struct sink_options options = options_for(fd, true, false);
	struct sink *sink;
	uint64_t filled;
	uint8_t *room;
	size_t size;

	(void)state;
	options.reserve_bytes = UINT64_MAX; /* no disk has that */
	unlink(path);
	sink = sink_create(&options, NULL);
	assert_false(sink_is_scarce(sink));
	/* It looks after 64 MiB. */
	while ((room = sink_room(sink, &size)) && sink_offset(sink) < 256 * MIB) {
		memset(room, 'x', size);
		sink_commit(sink, size);
	}
	assert_null(room);
	assert_true(sink_is_scarce(sink) && sink_ok(sink));
	filled = sink_offset(sink);
	assert_in_range(filled, 64 * MIB, 100 * MIB);
	sink_hole(sink, 8 * MIB);
	sink_write(sink, "end", 3);
	assert_true(sink_finish(sink, NULL));
	sink_destroy(sink);
	assert_int_equal(lseek(fd, 0, SEEK_END), filled + 8 * MIB + 3);
	close(fd);
}

static void a_reserve_that_is_kept_changes_nothing(void **state)
{
	char path[] = "/tmp/dumpcore-sink-XXXXXX";
	int fd = mkstemp(path);
	struct sink_options options = options_for(fd, true, false);
	struct strbuf out = { 0 };
	struct sink *sink;

	(void)state;
	options.reserve_bytes = 1;
	unlink(path);
	sink = sink_create(&options, NULL);
	put_all(sink);
	assert_true(sink_finish(sink, NULL));
	assert_false(sink_is_scarce(sink));
	sink_destroy(sink);
	fetch(fd, &out);
	assert_true(span_equal(strbuf_span(&out), strbuf_span(&expected)));
	strbuf_deinit(&out);
}

static void a_sink_that_never_wrote_ends(void **state)
{
	int fd = memfd_create("sink", MFD_CLOEXEC);
	struct sink_options options = options_for(fd, false, true);
	struct sink *sink = sink_create(&options, NULL);

	(void)state;
	sink_destroy(sink);
	sink_destroy(NULL);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}

/* --- rewriting --- */

/* What a file is to be, byte by byte, and the sink that writes it. */
struct rewritten {
	struct sink *sink;
	int fd;
	uint8_t *model;
	size_t size;
};

enum { MODEL = 16 * MIB };

static void rewritten_init(struct rewritten *file)
{
	char path[] = "/tmp/dumpcore-sink-XXXXXX";
	struct sink_options options;

	*file = (struct rewritten){ .fd = mkstemp(path), .model = mem_zeroed(MODEL, 1) };
	assert_true(file->fd >= 0);
	unlink(path);
	options = options_for(file->fd, true, false);
	file->sink = sink_create(&options, NULL);
	assert_non_null(file->sink);
}

static void append(struct rewritten *file, const uint8_t *bytes, size_t size)
{
	if (bytes)
		sink_write(file->sink, bytes, size);
	else
		sink_hole(file->sink, size);
	if (bytes)
		memcpy(file->model + file->size, bytes, size);
	file->size += size;
}

static void rewrite(struct rewritten *file, size_t offset, const uint8_t *bytes, size_t size)
{
	if (bytes)
		sink_rewrite(file->sink, offset, bytes, size);
	else
		sink_rewrite_hole(file->sink, offset, size);
	if (bytes)
		memcpy(file->model + offset, bytes, size);
	else
		memset(file->model + offset, 0, size);
}

/* Ends the file and compares its bytes and its sums with the model's. The file stays open. */
static void check_rewritten(struct rewritten *file)
{
	uint8_t *there = mem_zeroed(MODEL, 1);
	const uint64_t *sums;
	size_t count;

	sums = sink_sums(file->sink, &count);
	assert_int_equal(count, (file->size + MIB - 1) / MIB);
	for (size_t i = 0; i < count; i++) {
		size_t left = file->size - i * MIB;

		assert_true(sums[i] == XXH3_64bits(file->model + i * MIB, left < MIB ? left : MIB));
	}
	assert_true(sink_finish(file->sink, NULL));
	sink_destroy(file->sink);
	assert_int_equal(lseek(file->fd, 0, SEEK_END), file->size);
	assert_int_equal(pread(file->fd, there, MODEL, 0), file->size);
	assert_memory_equal(there, file->model, file->size);
	free(there);
	free(file->model);
}

static void written_frames_are_rewritten(void **state)
{
	struct rewritten file;

	(void)state;
	rewritten_init(&file);
	append(&file, data, 5 * MIB);
	append(&file, NULL, 4 * MIB);
	append(&file, data, MIB);
	rewrite(&file, 10, data + 7, 100);
	rewrite(&file, 2 * MIB - 3, data + 99, 6);      /* across two written frames */
	rewrite(&file, 7 * MIB, data + 12345, 4096);    /* in what was a hole */
	rewrite(&file, 3 * MIB - 5, data + 1, 2 * MIB); /* over a frame's border, whole blocks */
	rewrite(&file, 3 * MIB, data + 17, 64);         /* the same bytes once more */
	check_rewritten(&file);
	close(file.fd);
}

static void the_frame_being_filled_is_rewritten(void **state)
{
	struct rewritten file;

	(void)state;
	rewritten_init(&file);
	append(&file, data, 2 * MIB + 70000);
	rewrite(&file, 2 * MIB, data + 5, 1);
	rewrite(&file, 2 * MIB + 69999, data + 6, 1);
	rewrite(&file, 2 * MIB - 50, data + 7, 100); /* half of it is written already */
	rewrite(&file, 2 * MIB + 20000, NULL, 10000);
	append(&file, data, 2 * MIB);
	check_rewritten(&file);
	close(file.fd);
}

/* Data comes to a frame that had none so far, and the hole around it stays zeros. */
static void a_hole_being_filled_takes_data(void **state)
{
	struct rewritten file;

	(void)state;
	rewritten_init(&file);
	append(&file, data, 4 * MIB); /* the frames of the ring are used, and dirty */
	append(&file, data, 4 * MIB);
	append(&file, NULL, MIB);
	rewrite(&file, 8 * MIB + 300000, data, 5);
	append(&file, NULL, 1000);
	rewrite(&file, 8 * MIB + 100, NULL, 50);
	check_rewritten(&file);
	close(file.fd);
}

static void rewritten_holes_are_holes(void **state)
{
	struct rewritten file;
	struct stat before, after;

	(void)state;
	rewritten_init(&file);
	append(&file, data, 5 * MIB);
	append(&file, NULL, 3 * MIB);
	append(&file, data, MIB / 2);
	rewrite(&file, 0, data, 1); /* waits until all is written */
	assert_int_equal(fstat(file.fd, &before), 0);
	rewrite(&file, MIB, NULL, 3 * MIB);
	rewrite(&file, 8 * MIB - 8192, NULL, 16384); /* a hole already, and the frame being filled */
	rewrite(&file, 4 * MIB + 13, NULL, 4096);    /* no whole page of the file */
	assert_int_equal(fstat(file.fd, &after), 0);
	if (after.st_blocks == before.st_blocks)
		print_message("# rewritten_holes_are_holes: this file system makes none\n");
	else
		assert_true(after.st_blocks <= before.st_blocks - 3 * MIB / 512);
	check_rewritten(&file);
	close(file.fd);
}

/* Any order, any place: the last word counts. */
static void rewriting_at_random_gives_the_last_bytes(void **state)
{
	struct rewritten file;
	uint32_t seed = 1;

	(void)state;
	rewritten_init(&file);
	for (int i = 0; i < 400; i++) {
		uint32_t a = seed = seed * 1664525U + 1013904223U;
		uint32_t b = seed = seed * 1664525U + 1013904223U;
		size_t size = (b >> 8) % 150000 + 1, offset;

		if (file.size < 12 * MIB && i % 4 == 0)
			append(&file, a & 1024 ? data + i : NULL, (a >> 8) % 600000 + 1);
		offset = (a >> 4) % file.size;
		size = size < file.size - offset ? size : file.size - offset;
		rewrite(&file, offset, b & 4096 ? data + i : NULL, size);
	}
	check_rewritten(&file);
	close(file.fd);
}

/* --- limits from outside --- */

static void a_failure_from_outside_is_kept(void **state)
{
	int fd = memfd_create("sink", MFD_CLOEXEC);
	struct sink_options options = options_for(fd, true, false);
	struct sink *sink = sink_create(&options, NULL);
	struct err err = { 0 };
	size_t size;

	(void)state;
	sink_write(sink, data, MIB);
	sink_fail(sink, ENOSPC);
	sink_fail(sink, EPIPE);
	assert_false(sink_ok(sink));
	assert_null(sink_room(sink, &size));
	assert_null(sink_room_always(sink, &size));
	sink_rewrite(sink, 0, data, 10);
	sink_rewrite_hole(sink, 0, 10);
	assert_false(sink_finish(sink, &err));
	assert_int_equal(err.kind, ERR_NO_SPACE);
	sink_destroy(sink);
	close(fd);
}

static void room_is_given_in_spite_of_an_interruption(void **state)
{
	static volatile sig_atomic_t interrupted = 1;
	int fd = memfd_create("sink", MFD_CLOEXEC);
	struct sink_options options = options_for(fd, true, false);
	struct sink *sink;
	uint8_t *room;
	size_t size;

	(void)state;
	options.interrupted = &interrupted;
	sink = sink_create(&options, NULL);
	assert_null(sink_room(sink, &size));
	for (int i = 0; i < 20; i++) { /* more frames than there are */
		room = sink_room_always(sink, &size);
		assert_non_null(room);
		memset(room, 'x', size);
		sink_commit(sink, size);
	}
	assert_int_equal(sink_offset(sink), 20 * FORMAT_FRAME_BYTES);
	assert_true(sink_finish(sink, NULL));
	sink_destroy(sink);
	close(fd);
}

/* Nobody reads: the caller gets out when its time is over, and gets room again without a limit. */
static void a_deadline_ends_the_wait(void **state)
{
	struct sink_options options;
	struct sink *sink;
	uint8_t *room;
	size_t size;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	options = options_for(ends[1], false, false);
	options.workers = 1;
	sink = sink_create(&options, NULL);
	sink_set_deadline(sink, progress_now_ns() + 20000000);
	while ((room = sink_room(sink, &size)))
		sink_commit(sink, size);
	assert_true(sink_ok(sink));
	assert_int_equal(sink_offset(sink), 3 * FORMAT_FRAME_BYTES); /* all frames are waiting */
	assert_null(sink_room(sink, &size));
	close(ends[0]);
	sink_set_deadline(sink, 0);
	sink_room(sink, &size); /* waits for a frame: they fail, one by one */
	assert_false(sink_finish(sink, NULL));
	sink_destroy(sink);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_files_keep_their_holes),
		cmocka_unit_test(streams_are_in_order),
		cmocka_unit_test(frames_unpack_to_the_plain_bytes),
		cmocka_unit_test(the_seek_table_finds_every_frame),
		cmocka_unit_test(sums_are_those_of_the_plain_bytes),
		cmocka_unit_test(a_full_disk_is_said),
		cmocka_unit_test(a_closed_pipe_is_said),
		cmocka_unit_test(an_interruption_ends_the_wait),
		cmocka_unit_test(a_scarce_disk_ends_the_room),
		cmocka_unit_test(a_reserve_that_is_kept_changes_nothing),
		cmocka_unit_test(a_sink_that_never_wrote_ends),
		cmocka_unit_test(written_frames_are_rewritten),
		cmocka_unit_test(the_frame_being_filled_is_rewritten),
		cmocka_unit_test(a_hole_being_filled_takes_data),
		cmocka_unit_test(rewritten_holes_are_holes),
		cmocka_unit_test(rewriting_at_random_gives_the_last_bytes),
		cmocka_unit_test(a_failure_from_outside_is_kept),
		cmocka_unit_test(room_is_given_in_spite_of_an_interruption),
		cmocka_unit_test(a_deadline_ends_the_wait),
	};

	return cmocka_run_group_tests_name("sink", tests, make_data, drop_data);
}
