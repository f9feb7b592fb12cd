#include "tests/unit/unit.h"

#include "base/file.h"
#include "base/mem.h"
#include "dumpcore/spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20, BYTES = 7 * MIB + 123 };

static char folder[] = "/tmp/dumpcore-spool-XXXXXX";

static int make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

/* Fails where anything was left in the folder. */
static int drop(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void the_folder_is_the_nearest(void **state)
{
	struct output file = { .path = "/a/b/c.core" }, plain = { .path = "c.core" };
	struct output stream = { .path = "-", .is_stream = true };
	char text[64];

	(void)state;
	assert_string_equal(spool_folder(NULL, &file, text, sizeof text), "/a/b/");
	assert_string_equal(spool_folder(NULL, &plain, text, sizeof text), ".");
	assert_string_equal(spool_folder("/x", &file, text, sizeof text), "/x");
	unsetenv("TMPDIR");
	assert_string_equal(spool_folder(NULL, &stream, text, sizeof text), "/var/tmp");
	setenv("TMPDIR", "", 1);
	assert_string_equal(spool_folder(NULL, &stream, text, sizeof text), "/var/tmp");
	setenv("TMPDIR", "/t", 1);
	assert_string_equal(spool_folder(NULL, &stream, text, sizeof text), "/t");
	unsetenv("TMPDIR");
}

static void a_folder_without_room_is_refused(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_false(spool_check(folder, true, UINT64_MAX, &err));
	assert_int_equal(err.kind, ERR_NO_SPACE);
	assert_non_null(strstr(err.hint, "--spool"));
	assert_false(spool_check("/nowhere/at/all", true, 1, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(spool_open("/nowhere/at/all", &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void the_file_has_no_name(void **state)
{
	struct stat status;
	int fd = spool_open(folder, NULL);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_nlink, 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
}

/* Data, holes at the beginning, in the middle and at the end. */
static uint8_t *fill(int fd)
{
	static const size_t parts[][2] = { { MIB, 300000 }, { 3 * MIB + 4096, 2 * MIB } };
	uint8_t *bytes = mem_zeroed(BYTES, 1);

	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < parts[i][1]; at++)
			bytes[parts[i][0] + at] = (uint8_t)(at * 2654435761U >> 9);
		assert_int_equal(pwrite(fd, bytes + parts[i][0], parts[i][1], (off_t)parts[i][0]),
						 parts[i][1]);
	}
	assert_int_equal(ftruncate(fd, BYTES), 0);
	return bytes;
}

static void the_whole_file_is_sent(void **state)
{
	int fd = spool_open(folder, NULL), to = memfd_create("sent", MFD_CLOEXEC);
	uint8_t *bytes = fill(fd), *there = mem_zeroed(BYTES, 1);
	struct sink_options options = { .fd = to, .sparse = true, .workers = 1 };
	struct sink *sink = sink_create(&options, NULL);
	struct progress silent = { 0 };

	(void)state;
	spool_send(fd, sink, &silent);
	assert_int_equal(sink_offset(sink), BYTES);
	assert_true(sink_finish(sink, NULL));
	assert_true(sink_stored(sink) < 3 * MIB);
	assert_int_equal(pread(to, there, BYTES, 0), BYTES);
	assert_memory_equal(there, bytes, BYTES);
	sink_destroy(sink);
	free(bytes);
	free(there);
	close(fd);
	close(to);
}

/* What cannot be read is a failure of the sink, not a hole. */
static void an_unreadable_spool_fails_the_sink(void **state)
{
	int fd = spool_open(folder, NULL), to = memfd_create("sent", MFD_CLOEXEC), blind;
	struct sink_options options = { .fd = to, .sparse = true, .workers = 1 };
	struct sink *sink = sink_create(&options, NULL);
	struct progress silent = { 0 };
	char path[32];

	(void)state;
	free(fill(fd));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	blind = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(blind >= 0);
	spool_send(blind, sink, &silent);
	assert_false(sink_ok(sink));
	assert_false(sink_finish(sink, NULL));
	sink_destroy(sink);
	close(blind);
	close(fd);
	close(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_folder_is_the_nearest),
		cmocka_unit_test(a_folder_without_room_is_refused),
		cmocka_unit_test(the_file_has_no_name),
		cmocka_unit_test(the_whole_file_is_sent),
		cmocka_unit_test(an_unreadable_spool_fails_the_sink),
	};

	return cmocka_run_group_tests_name("spool", tests, make, drop);
}
