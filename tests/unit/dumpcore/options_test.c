#include "tests/unit/unit.h"

#include "base/duration.h"
#include "dumpcore/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 32 };

/* Parses a command line given as one text with blanks between the words. */
static bool parse(const char *line, struct options *options, struct err *err)
{
	static char text[256];
	char *words[MOST_WORDS];
	int count = 0;

	snprintf(text, sizeof text, "dumpcore %s", line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	*err = (struct err){ 0 };
	return options_parse(options, count, words, err);
}

static void defaults_hold(void **state)
{
	struct options options;
	struct err err;

	(void)state;
	assert_true(parse("42", &options, &err));
	assert_int_equal(options.command, COMMAND_CAPTURE);
	assert_int_equal(options.pid, 42);
	assert_null(options.output);
	assert_string_equal(options.consistency, "auto");
	assert_string_equal(options.select, "native");
	assert_int_equal(options.compress, COMPRESS_BY_NAME);
	assert_int_equal(options.level, 1);
	assert_int_equal(options.reserve_disk, DISK_RESERVE_DEFAULT);
	assert_false(options.quiet || options.json || options.dry_run || options.progress);
}

static void every_spelling_is_taken(void **state)
{
	static const char *const lines[] = {
		"-o x -c live -s heap -z zstd:3 -nq 42",
		"-ox -clive -sheap -zzstd:3 -n -q 42",
		"--output x --consistency live --select heap --compress zstd:3 --dry-run --quiet 42",
		"42 --output=x --consistency=live --select=heap --compress=zstd:3 --dry-run --quiet",
	};
	struct options options;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_true(parse(lines[i], &options, &err));
		assert_int_equal(options.pid, 42);
		assert_string_equal(options.output, "x");
		assert_string_equal(options.consistency, "live");
		assert_string_equal(options.select, "heap");
		assert_int_equal(options.compress, COMPRESS_ZSTD);
		assert_int_equal(options.level, 3);
		assert_true(options.dry_run && options.quiet);
	}
}

static void commands_are_known(void **state)
{
	struct options options;
	struct err err;

	(void)state;
	assert_true(parse("survey 42 --json", &options, &err));
	assert_int_equal(options.command, COMMAND_SURVEY);
	assert_true(options.json);
	assert_true(parse("--help", &options, &err));
	assert_int_equal(options.command, COMMAND_HELP);
	assert_true(parse("-V", &options, &err));
	assert_int_equal(options.command, COMMAND_VERSION);
	assert_true(parse("-o - -z none 1", &options, &err));
	assert_string_equal(options.output, "-");
	assert_int_equal(options.compress, COMPRESS_NONE);
	assert_true(parse("-z zstd 1", &options, &err));
	assert_int_equal(options.level, 1);
}

static void a_watch_has_its_own_options(void **state)
{
	struct options options;
	struct err err;

	(void)state;
	assert_true(parse("watch 42 --rss 6G", &options, &err));
	assert_int_equal(options.command, COMMAND_WATCH);
	assert_true(options.watch.interval_ns == DURATION_S);
	assert_true(options.watch.cooldown_ns == 600 * DURATION_S);
	assert_int_equal(options.watch.count, 1);
	assert_int_equal(options.watch.rotation.keep, 0);
	assert_true(parse("watch --growth=500M/10m --cgroup 90% --pressure 2.5% 42 --select heap "
					  "--interval 100ms --cooldown 1s --count 3 --keep 5 --keep-bytes 20G",
					  &options, &err));
	assert_true(options.watch.limits.thresholds[TRIGGER_GROWTH] == UINT64_C(500) << 20);
	assert_int_equal(options.watch.limits.thresholds[TRIGGER_CGROUP], 9000);
	assert_int_equal(options.watch.limits.thresholds[TRIGGER_PRESSURE], 250);
	assert_true(options.watch.interval_ns == 100 * DURATION_MS);
	assert_true(options.watch.cooldown_ns == DURATION_S);
	assert_int_equal(options.watch.count, 3);
	assert_int_equal(options.watch.rotation.keep, 5);
	assert_true(options.watch.rotation.keep_bytes == UINT64_C(20) << 30);
	assert_string_equal(options.select, "heap");
	assert_true(parse("watch --help", &options, &err));
	assert_int_equal(options.command, COMMAND_HELP_WATCH);
}

static void what_narrows_is_read(void **state)
{
	struct options options;
	struct err err;

	(void)state;
	assert_true(parse("--range 1000-2000 --range 0x3000-0x4000 --min-resident 64K --name ^x$ "
					  "--swap read --max-size 1.5G --reserve-disk 0 42",
					  &options, &err));
	assert_int_equal(options.choice.ranges.count, 2);
	assert_int_equal(options.choice.least_resident, 64 << 10);
	assert_int_equal(options.choice.most_bytes, 3 << 29);
	assert_int_equal(options.reserve_disk, 0);
	assert_true(options.choice.by_name && options.choice.read_swapped);
	options_deinit(&options);
	assert_true(parse("--swap read --swap skip 42", &options, &err));
	assert_false(options.choice.read_swapped);
	options_deinit(&options);
}

struct mistake {
	const char *line, *what, *hint;
};

static void mistakes_are_explained(void **state)
{
	static const struct mistake mistakes[] = {
		{ "", "no process id", "dumpcore PID" },
		{ "abc", "neither a process id nor 'survey'", "pgrep" },
		{ "0", "neither a process id", "" },
		{ "42x", "neither a process id", "" },
		{ "99999999999", "neither a process id", "" },
		{ "1 2", "two process ids", "" },
		{ "survey", "no process id", "" },
		{ "--sellect x 1", "unknown option '--sellect'", "--select" },
		{ "-x 1", "unknown option '-x'", "--help" },
		{ "--output", "needs a value: FILE", "" },
		{ "1 -o", "needs a value: FILE", "" },
		{ "--quiet=1 1", "takes no value", "" },
		{ "--consistency snap 1",
		  "'snap' is not there (there are auto, precopy, fork, freeze and live)", "live" },
		{ "--compress gzip 1", "neither none, zstd", "levels" },
		{ "--compress zstd: 1", "neither none, zstd", "" },
		{ "--compress zstd:99 1", "neither none, zstd", "" },
		{ "--output= 1", "empty", "" },
		{ "watch 1", "nothing to watch for", "--rss SIZE" },
		{ "watch --rss 6G", "no process id", "" },
		{ "watch --rss 6G -o - 1", "no archive to stdout", "folder" },
		{ "watch --rss 6G -n 1", "--dry-run is not for a watch", "survey 1" },
		{ "watch --rss 6X 1", "--rss: '6X' is not a size", "6G" },
		{ "watch --rss 6G --interval 5 1", "--interval: '5' has no unit", "5s" },
		{ "watch --rss 6G --interval 99ms 1", "less than 100 ms", "" },
		{ "watch --rss 6G --cooldown 500ms 1", "less than 1 s", "" },
		{ "watch --rss 6G --count 0 1", "--count: '0'", "" },
		{ "watch --rss 6G --keep 1x 1", "--keep: '1x'", "" },
		{ "watch --rss 6G --keep -1 1", "--keep: '-1'", "" },
		{ "watch --rss 6G --keep 99999999999 1", "--keep: '99999999999'", "" },
		{ "watch --rss 6G --keep-bytes 0 1", "--keep-bytes: '0'", "20G" },
		{ "--rss 6G 1", "--rss is an option of 'dumpcore watch'", "watch --help" },
		{ "survey --keep 5 1", "--keep is an option of 'dumpcore watch'", "watch --help" },
		{ "--grwth 6G 1", "unknown option", "--growth" },
		{ "--range 2-1 1", "'2-1' is no range", "/proc/PID/maps" },
		{ "--name [ 1", "'[' is no regular expression", "regex(7)" },
		{ "--max-size 0 1", "--max-size: nothing fits in 0", "" },
		{ "--max-size 1X 1", "--max-size: '1X' is no size", "64K" },
		{ "--reserve-disk 5% 1", "--reserve-disk: '5%' is no size", "64K" },
		{ "--swap out 1", "'out' is neither skip nor read", "" },
		{ "--min-resident many 1", "--min-resident: 'many' is no size", "64K" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct options options;
		struct err err;

		assert_false(parse(mistakes[i].line, &options, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.what, mistakes[i].what) || !strstr(err.hint, mistakes[i].hint))
			fail_msg("'%s' gave \"%s\" / \"%s\"", mistakes[i].line, err.what, err.hint);
		options_deinit(&options);
	}
}

/* Reads a file of the tree; the tests run in its root. */
static char *read_page(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	if (!file || !text || fread(text, 1, (1 << 16) - 1, file) == 0)
		fail_msg("cannot read %s: run the test in the root of the tree", path);
	if (file)
		fclose(file);
	return text;
}

/* The manual page writes "--dry-run" as "\-\-dry\-run". */
static void roff(const char *name, char *out)
{
	for (; *name; name++) {
		if (*name == '-')
			*out++ = '\\';
		*out++ = *name;
	}
	*out = '\0';
}

/* Fails for an option of the help that the manual lacks; gives how many there are. */
static size_t check_manual(const char *manual, void (*put_help)(struct strbuf *))
{
	struct strbuf help = { 0 };
	size_t options = 0;

	put_help(&help);
	for (const char *at = strstr(strbuf_text(&help), "--"); at; at = strstr(at + 2, "--")) {
		char name[32] = "", wanted[64];

		sscanf(at, "%31[-a-z]", name);
		roff(name, wanted);
		if (!strstr(manual, wanted))
			fail_msg("docs/dumpcore.1 lacks %s", name);
		options++;
	}
	strbuf_deinit(&help);
	return options;
}

static void json_is_found_behind_an_error(void **state)
{
	struct options options;
	struct err err;

	(void)state;
	assert_false(parse("--bogus 42 --json", &options, &err));
	assert_true(options.json);
	assert_false(parse("--json --bogus 42", &options, &err));
	assert_true(options.json);
	assert_false(parse("--bogus 42", &options, &err));
	assert_false(options.json);
}

static void help_and_manual_agree(void **state)
{
	char *manual = read_page("docs/dumpcore.1");

	(void)state;
	assert_true(check_manual(manual, options_help) >= 10);
	assert_true(check_manual(manual, options_help_watch) >= 9);
	free(manual);
}

static void help_fits_80_columns(void **state)
{
	struct strbuf help = { 0 };
	struct span line;
	struct cursor cursor;

	(void)state;
	options_help(&help);
	options_help_watch(&help);
	cursor = cursor_make(strbuf_span(&help), false);
	while (cursor_line(&cursor, &line))
		assert_in_range(line.size, 0, 80);
	strbuf_deinit(&help);
}

static void command_lines_can_be_typed_again(void **state)
{
	char *words[] = { (char[]){ "dumpcore" }, (char[]){ "-o" }, (char[]){ "a b'c" },
					  (char[]){ "" } };
	struct strbuf out = { 0 };

	(void)state;
	options_command_line(4, words, &out);
	assert_string_equal(strbuf_text(&out), "dumpcore -o 'a b'\\''c' ''");
	strbuf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold),
		cmocka_unit_test(every_spelling_is_taken),
		cmocka_unit_test(commands_are_known),
		cmocka_unit_test(a_watch_has_its_own_options),
		cmocka_unit_test(what_narrows_is_read),
		cmocka_unit_test(mistakes_are_explained),
		cmocka_unit_test(json_is_found_behind_an_error),
		cmocka_unit_test(help_and_manual_agree),
		cmocka_unit_test(help_fits_80_columns),
		cmocka_unit_test(command_lines_can_be_typed_again),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
