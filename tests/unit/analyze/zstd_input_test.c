#include "tests/unit/unit.h"

#include "analyze/input/zstd_input.h"
#include "base/mem.h"
#include "tests/support/core_builder.h"
#include "tests/support/core_exercise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zstd.h>

enum { FRAME = 64 << 10, FRAMES = 5, PLAIN = FRAME * (FRAMES - 1) + 1000 };

struct fixture {
	struct strbuf plain, file;
	struct zstd_input input;
	struct err err;
};

/* Bytes that do not compress well, with a frame of zeros among them. */
static void make(struct fixture *fixture, size_t frame_bytes, bool seekable)
{
	uint64_t random = 1;

	*fixture = (struct fixture){ 0 };
	for (size_t i = 0; i < PLAIN; i++)
		strbuf_putc(&fixture->plain, i / FRAME == 2 ? '\0' : (char)core_random(&random, 64));
	core_builder_compress(strbuf_span(&fixture->plain), frame_bytes, seekable, &fixture->file);
}

static bool open_input(struct fixture *fixture)
{
	struct progress silent = { 0 };

	return zstd_input_open(&fixture->input, strbuf_span(&fixture->file), 2, &silent, &fixture->err);
}

static void end(struct fixture *fixture)
{
	zstd_input_close(&fixture->input);
	strbuf_deinit(&fixture->plain);
	strbuf_deinit(&fixture->file);
}

static void every_kind_of_file_gives_its_bytes(void **state)
{
	static const struct {
		size_t frame_bytes;
		bool seekable;
	} rows[] = { { FRAME, true }, { FRAME, false }, { PLAIN, false }, { 0, false } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture fixture;

		make(&fixture, rows[i].frame_bytes, rows[i].seekable);
		assert_true(zstd_input_is(strbuf_span(&fixture.file)));
		assert_true(open_input(&fixture));
		assert_true(span_equal(fixture.input.plain, strbuf_span(&fixture.plain)));
		assert_false(fixture.input.truncated);
		assert_int_equal(fixture.input.lost.count, 0);
		assert_int_equal(fixture.input.troubles.count, 0);
		end(&fixture);
	}
}

static void zeros_stay_holes(void **state)
{
	struct fixture fixture;
	struct stat status;

	(void)state;
	make(&fixture, FRAME, true);
	assert_true(open_input(&fixture));
	assert_int_equal(fstat(fixture.input.fd, &status), 0);
	assert_int_equal(status.st_size, PLAIN);
	assert_int_equal(status.st_nlink, 0);
	assert_true(status.st_blocks * 512 < PLAIN - FRAME / 2);
	end(&fixture);
}

/* Offset in the file of the frame's compressed bytes. */
static size_t frame_at(const struct fixture *fixture, size_t index)
{
	size_t at = 0;

	while (index--)
		at += ZSTD_findFrameCompressedSize(fixture->file.data + at, fixture->file.size - at);
	return at;
}

static void a_damaged_frame_costs_itself(void **state)
{
	(void)state;
	for (int seekable = 0; seekable < 2; seekable++) {
		struct fixture fixture;

		make(&fixture, FRAME, seekable);
		fixture.file.data[frame_at(&fixture, 1) + FRAME / 4] ^= 1;
		assert_true(open_input(&fixture));
		assert_int_equal(fixture.input.plain.size, PLAIN);
		assert_int_equal(fixture.input.lost.count, 1);
		assert_true(fixture.input.lost.items[0].start == FRAME);
		assert_true(fixture.input.lost.items[0].end == 2 * FRAME);
		assert_non_null(strstr(fixture.input.lost.items[0].reason, "frame 1"));
		assert_memory_equal(fixture.input.plain.data, fixture.plain.data, FRAME);
		assert_memory_equal(fixture.input.plain.data + 2 * FRAME, fixture.plain.data + 2 * FRAME,
							PLAIN - 2 * FRAME);
		end(&fixture);
	}
}

/* With a seek table even a frame without its header costs itself only. */
static void a_seek_table_finds_what_is_behind_a_lost_header(void **state)
{
	struct fixture fixture;

	(void)state;
	make(&fixture, FRAME, true);
	memset(fixture.file.data + frame_at(&fixture, 1), 0, 16);
	assert_true(open_input(&fixture));
	assert_int_equal(fixture.input.lost.count, 1);
	assert_memory_equal(fixture.input.plain.data + 2 * FRAME, fixture.plain.data + 2 * FRAME,
						PLAIN - 2 * FRAME);
	end(&fixture);
}

/* Cut in its fourth frame: the seek table is gone with it. */
static void a_cut_file_gives_its_whole_frames(void **state)
{
	struct fixture fixture;

	(void)state;
	make(&fixture, FRAME, true);
	fixture.file.size = frame_at(&fixture, 3) + 100;
	assert_true(open_input(&fixture));
	assert_true(fixture.input.truncated);
	assert_int_equal(fixture.input.plain.size, 3 * FRAME);
	assert_memory_equal(fixture.input.plain.data, fixture.plain.data, 3 * FRAME);
	assert_int_equal(fixture.input.troubles.count, 1);
	end(&fixture);
}

static void a_cut_stream_gives_what_it_holds(void **state)
{
	struct fixture fixture;

	(void)state;
	make(&fixture, 0, false);
	fixture.file.size = fixture.file.size * 3 / 4;
	assert_true(open_input(&fixture));
	assert_true(fixture.input.truncated);
	assert_true(fixture.input.plain.size >= FRAME);
	assert_memory_equal(fixture.input.plain.data, fixture.plain.data, fixture.input.plain.size);
	end(&fixture);
}

/* Every byte of it: footer, entries, header. The frames themselves tell where they are. */
static void a_wrong_seek_table_is_not_believed(void **state)
{
	(void)state;
	for (size_t back = 1; back <= 9 + 8 * FRAMES + 8; back++) {
		struct fixture fixture;

		make(&fixture, FRAME, true);
		fixture.file.data[fixture.file.size - back] ^= 0x55;
		assert_true(open_input(&fixture));
		assert_int_equal(fixture.input.lost.count, 0);
		assert_true(span_equal(fixture.input.plain, strbuf_span(&fixture.plain)));
		end(&fixture);
	}
}

static void nothing_is_an_error(void **state)
{
	static const char *const files[] = { "\x28\xb5\x2f\xfd", "\x28\xb5\x2f\xfd\xff\xff\xff\xff",
										 "\x5e\x2a\x4d\x18\xff\xff\xff\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct fixture fixture = { 0 };

		strbuf_puts(&fixture.file, files[i]);
		assert_false(open_input(&fixture));
		assert_int_equal(fixture.err.kind, ERR_FORMAT);
		end(&fixture);
	}
}

static void an_unusable_folder_is_passed_over(void **state)
{
	struct fixture fixture;
	const char *old = getenv("TMPDIR");
	char *keep = old ? mem_string(old) : NULL;

	(void)state;
	setenv("TMPDIR", "/nonexistent/folder", 1);
	make(&fixture, FRAME, true);
	assert_true(open_input(&fixture));
	end(&fixture);
	if (keep)
		setenv("TMPDIR", keep, 1);
	else
		unsetenv("TMPDIR");
	free(keep);
}

/* A limit on the size of files stands in for a full disk. */
static void a_failed_write_says_what_to_do(void **state)
{
	struct rlimit old, low;
	struct fixture fixture;
	bool opened;

	(void)state;
	make(&fixture, FRAME, true);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = (struct rlimit){ FRAME, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	opened = open_input(&fixture);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_false(opened);
	assert_int_equal(fixture.err.sys, EFBIG);
	assert_non_null(strstr(fixture.err.hint, "TMPDIR"));
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_file_gives_its_bytes),
		cmocka_unit_test(zeros_stay_holes),
		cmocka_unit_test(a_damaged_frame_costs_itself),
		cmocka_unit_test(a_seek_table_finds_what_is_behind_a_lost_header),
		cmocka_unit_test(a_cut_file_gives_its_whole_frames),
		cmocka_unit_test(a_cut_stream_gives_what_it_holds),
		cmocka_unit_test(a_wrong_seek_table_is_not_believed),
		cmocka_unit_test(nothing_is_an_error),
		cmocka_unit_test(an_unusable_folder_is_passed_over),
		cmocka_unit_test(a_failed_write_says_what_to_do),
	};

	return cmocka_run_group_tests_name("zstd_input", tests, NULL, NULL);
}
