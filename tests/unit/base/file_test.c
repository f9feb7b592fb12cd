#include "tests/unit/unit.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/dumpcore-file-test-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || !file_write(fd, "hello", 5))
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void files_are_read_to_their_end(void **state)
{
	struct strbuf text = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_true(file_read(AT_FDCWD, path, 5, &text, &err));
	assert_string_equal(strbuf_text(&text), "hello");
	strbuf_clear(&text);
	assert_true(file_read(AT_FDCWD, "/proc/self/maps", 1 << 20, &text, &err));
	assert_true(text.size > 100);
	strbuf_deinit(&text);
}

static void the_limit_holds(void **state)
{
	struct strbuf text = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_false(file_read(AT_FDCWD, path, 4, &text, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	strbuf_deinit(&text);
	assert_false(file_read(AT_FDCWD, "/nonexistent/file", 4, &text, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	strbuf_deinit(&text);
}

static void mapping_gives_the_bytes(void **state)
{
	struct file_map map;
	struct err err = { 0 };

	(void)state;
	assert_true(file_map_init(&map, path, &err));
	assert_true(span_equal(map.bytes, span_string("hello")));
	file_map_deinit(&map);
}

static void what_is_no_file_is_refused(void **state)
{
	struct file_map map;
	struct err err = { 0 };

	(void)state;
	assert_false(file_map_init(&map, "/tmp", &err));
	assert_non_null(strstr(err.what, "a directory"));
	assert_false(file_map_init(&map, "/dev/null", &err));
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_false(file_map_init(&map, "/nonexistent", &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read_to_their_end),
		cmocka_unit_test(the_limit_holds),
		cmocka_unit_test(mapping_gives_the_bytes),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests_name("file", tests, make_file, remove_file);
}
