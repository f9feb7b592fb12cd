#include "tests/unit/unit.h"

#include "archive/format.h"
#include "archive/sink.h"
#include "base/file.h"
#include "base/mem.h"
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
	};

	return cmocka_run_group_tests_name("sink", tests, make_data, drop_data);
}
