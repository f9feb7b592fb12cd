#include "tests/unit/unit.h"

#include "base/file.h"
#include "dumpcore/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/dumpcore-output-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/a.core", folder);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void names_are_made_from_the_process(void **state)
{
	struct strbuf name = { 0 };

	(void)state;
	output_default_name("a/b c.d-e_f", 42, 1795248000, &name);
	assert_string_equal(strbuf_text(&name), "./a_b_c.d-e_f.42.20261121T080000Z.core.zst");
	strbuf_deinit(&name);
}

static void the_name_comes_last(void **state)
{
	struct output output;
	struct stat status;

	(void)state;
	assert_true(output_open(&output, path, NULL));
	assert_int_equal(access(path, F_OK), -1);
	assert_true(file_write(output.fd, "x", 1));
	assert_true(output_commit(&output, NULL));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	output_close(&output);
	assert_int_equal(unlink(path), 0);
}

static void what_was_not_finished_is_removed(void **state)
{
	struct output output;

	(void)state;
	assert_true(output_open(&output, path, NULL));
	output_close(&output);
	assert_int_equal(access(path, F_OK), -1);
	/* drop_folder fails where the temporary file is left. */
}

static void an_existing_file_is_left_alone(void **state)
{
	struct output output;
	struct err err = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_false(output_open(&output, path, &err));
	assert_int_equal(err.kind, ERR_EXISTS);
	output_close(&output);
	assert_false(output_open(&output, folder, &err));
	assert_non_null(strstr(err.what, "directory"));
	output_close(&output);
	assert_int_equal(unlink(path), 0);
}

/* A file that appears while the capture runs is not replaced, and the capture is not lost. */
static void a_file_that_came_meanwhile_stays(void **state)
{
	struct output output;
	struct err err = { 0 };
	char temporary[PATH_MAX];
	int fd;

	(void)state;
	assert_true(output_open(&output, path, NULL));
	memcpy(temporary, output.temporary, sizeof temporary);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	assert_false(output_commit(&output, &err));
	assert_int_equal(err.kind, ERR_EXISTS);
	output_close(&output);
	assert_int_equal(unlink(temporary), 0);
	assert_int_equal(unlink(path), 0);
}

static void devices_and_pipes_are_streams(void **state)
{
	struct output output;
	struct disk disk;

	(void)state;
	assert_true(output_open(&output, "/dev/null", NULL));
	assert_true(output.is_stream);
	assert_false(output_disk(&output, &disk));
	assert_true(output_commit(&output, NULL));
	output_close(&output);
}

static void folders_that_are_not_there_are_said(void **state)
{
	struct output output;
	struct err err = { 0 };

	(void)state;
	assert_false(output_open(&output, "/nonexistent/x.core", &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	output_close(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_made_from_the_process),
		cmocka_unit_test(the_name_comes_last),
		cmocka_unit_test(what_was_not_finished_is_removed),
		cmocka_unit_test(an_existing_file_is_left_alone),
		cmocka_unit_test(a_file_that_came_meanwhile_stays),
		cmocka_unit_test(devices_and_pipes_are_streams),
		cmocka_unit_test(folders_that_are_not_there_are_said),
	};

	return cmocka_run_group_tests_name("output", tests, make_folder, drop_folder);
}
