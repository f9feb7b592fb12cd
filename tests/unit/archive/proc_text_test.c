#include "tests/unit/unit.h"

#include "archive/proc_text.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>

static const char smaps[] =
	"55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0                          [heap]\n"
	"Size:                132 kB\n"
	"Rss:                  12 kB\n"
	"Anonymous:             8 kB\n"
	"AnonHugePages:      2048 kB\n"
	"Swap:                  4 kB\n"
	"THPeligible:           0\n"
	"VmFlags: rd wr mr mw me ac sd \n"
	"7f0000000000-7f0000001000 r-xs 00003000 fd:00 1234 /opt/a b\\012c\\134 (deleted)\n"
	"Rss:                   4 kB\n"
	"FutureCounter:       9 kB\n"
	"7f0000002000-7f0000004000 ---p 00000000 00:00 0 \n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

struct read {
	struct pool pool;
	mappings out;
	struct err err;
};

static bool read_text(struct read *read, struct span text)
{
	*read = (struct read){ 0 };
	return proc_text_mappings(text, &read->pool, &read->out, &read->err);
}

static void drop(struct read *read)
{
	vec_deinit(&read->out);
	pool_deinit(&read->pool);
}

static void smaps_are_read(void **state)
{
	struct read read;
	const struct mapping *heap, *file;

	(void)state;
	assert_true(read_text(&read, span_string(smaps)));
	assert_int_equal(read.out.count, 4);
	heap = &read.out.items[0];
	file = &read.out.items[1];
	assert_true(heap->range.start == 0x55d0c0a00000 && heap->range.end == 0x55d0c0a21000);
	assert_int_equal(heap->protection, MAPPING_READ | MAPPING_WRITE);
	assert_string_equal(heap->path, "[heap]");
	assert_true(heap->has_counts);
	assert_int_equal(heap->resident_bytes, 12 << 10);
	assert_int_equal(heap->anonymous_bytes, 8 << 10);
	assert_int_equal(heap->swapped_bytes, 4 << 10);
	assert_int_equal(heap->huge_bytes, 2 << 20);
	assert_true(mapping_has_flag(heap, "ac") && mapping_has_flag(heap, "sd"));
	assert_false(mapping_has_flag(heap, "dd"));
	assert_false(mapping_has_flag(heap, "d "));
	assert_string_equal(file->path, "/opt/a b\nc\\");
	assert_true(file->deleted);
	assert_int_equal(file->inode, 1234);
	assert_int_equal(file->file_offset, 0x3000);
	assert_int_equal(file->protection, MAPPING_READ | MAPPING_EXECUTE | MAPPING_SHARED);
	assert_string_equal(read.out.items[2].path, "");
	assert_int_equal(read.out.items[2].protection, 0);
	assert_false(read.out.items[2].has_counts);
	drop(&read);
}

static void a_last_line_cut_short_is_dropped(void **state)
{
	struct read read;

	(void)state;
	assert_true(read_text(&read, span_string("1000-2000 rw-p 0 00:00 0 \n2000-30")));
	assert_int_equal(read.out.count, 1);
	drop(&read);
	assert_true(read_text(&read, span_string("1000-2000 rw-p 0 00:00 0 \nRss: 12")));
	assert_false(read.out.items[0].has_counts);
	drop(&read);
}

static void odd_lines_are_named(void **state)
{
	static const char *const bad[] = {
		"hello\n",
		"2000-1000 rw-p 0 00:00 0\n",
		"1000-2000 rw 0 00:00 0\n",
		"1000-2000 rw-p 0\n",
		"10000000000000000-20000000000000000 rw-p 0 00:00 0\n",
		"Rss: 4 kB\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct read read;

		assert_false(read_text(&read, span_string(bad[i])));
		assert_int_equal(read.err.kind, ERR_FORMAT);
		assert_non_null(strstr(read.err.what, "line 1"));
		drop(&read);
	}
}

static void own_maps_are_read(void **state)
{
	static const char *const paths[] = { "/proc/self/maps", "/proc/self/smaps" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct strbuf text = { 0 };
		struct read read;
		struct err err;
		bool stack = false;

		assert_true(file_read(AT_FDCWD, paths[i], 16 << 20, &text, &err));
		assert_true(read_text(&read, strbuf_span(&text)));
		for (size_t j = 0; j < read.out.count; j++)
			stack |= strcmp(read.out.items[j].path, "[stack]") == 0;
		assert_true(stack);
		assert_int_equal(read.out.items[0].has_counts, i == 1);
		drop(&read);
		strbuf_deinit(&text);
	}
}

static void values_are_found(void **state)
{
	struct span text = span_string("Name:\tjava\nVmRSS:\t  1024 kB\nThreads:\t7\nUid:\t0\t1\nbad\n"
								   "Huge:\t18446744073709551615 kB\nNone:\n");
	uint64_t value;

	(void)state;
	assert_true(proc_text_number(text, "VmRSS", &value));
	assert_int_equal(value, 1 << 20);
	assert_true(proc_text_number(text, "Threads", &value));
	assert_int_equal(value, 7);
	assert_false(proc_text_number(text, "Name", &value));
	assert_false(proc_text_number(text, "Vm", &value));
	assert_false(proc_text_number(text, "Huge", &value));
	assert_false(proc_text_number(text, "None", &value));
	assert_true(span_equal(proc_text_value(text, "Name"), span_string("java")));
	assert_true(span_equal(proc_text_value(text, "Uid"), span_string("0\t1")));
	assert_int_equal(proc_text_value(text, "Missing").size, 0);
	assert_int_equal(proc_text_value((struct span){ 0 }, "Name").size, 0);
}

static void damage_is_survived(void **state)
{
	char text[sizeof smaps];

	(void)state;
	memcpy(text, smaps, sizeof smaps);
	for (size_t i = 0; i < (sizeof smaps - 1) * 8; i++) {
		struct read read;

		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		read_text(&read, span_make(text, sizeof smaps - 1));
		for (size_t j = 0; j < read.out.count; j++)
			assert_true(read.out.items[j].range.start < read.out.items[j].range.end);
		drop(&read);
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		read_text(&read, span_make(text, i / 8));
		drop(&read);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smaps_are_read),      cmocka_unit_test(a_last_line_cut_short_is_dropped),
		cmocka_unit_test(odd_lines_are_named), cmocka_unit_test(own_maps_are_read),
		cmocka_unit_test(values_are_found),    cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests_name("proc_text", tests, NULL, NULL);
}
