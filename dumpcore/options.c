#include "dumpcore/options.h"

#include "base/duration.h"
#include "base/size.h"
#include "base/text.h"
#include "dumpcore/option_row.h"
#include "dumpcore/watch_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_LEVEL = 1, LEAST_LEVEL = -7, MOST_LEVEL = 19 };

static bool take_output(struct options *options, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "--output: the name is empty");
	options->output = value;
	return true;
}

static bool take_consistency(struct options *options, const char *value, struct err *err)
{
	static const char *const names[] = { "auto", "precopy", "fork", "freeze", "live", NULL };

	for (size_t i = 0; names[i]; i++)
		if (strcmp(value, names[i]) == 0) {
			options->consistency = value;
			return true;
		}
	err_set(err, ERR_USAGE,
			"--consistency: '%s' is not there (there are auto, precopy, fork, freeze and live)",
			value);
	return err_hint(err, "freeze stops the process while it is read; live does not stop it");
}

/* "20", in milliseconds as the table says, or "20ms", "1s". */
static bool take_max_pause(struct options *options, const char *value, struct err *err)
{
	char *end;
	long ms = strtol(value, &end, 10);

	if (*value && *end == '\0' && ms > 0 && ms < INT32_MAX)
		options->most_pause_ns = ms * DURATION_MS;
	else if (!duration_parse(value, &options->most_pause_ns, err))
		return err_prefix(err, "--max-pause");
	return options->most_pause_ns > 0 ||
		   err_set(err, ERR_USAGE,
				   "--max-pause: a stop takes some time; live does not stop at all");
}

static bool take_spool(struct options *options, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "--spool: the name is empty");
	options->spool = value;
	return true;
}

static bool take_select(struct options *options, const char *value, struct err *err)
{
	(void)err; /* plan_selection_parse says what is wrong with it */
	options->select = value;
	return true;
}

static bool take_range(struct options *options, const char *value, struct err *err)
{
	return choice_add_range(&options->choice, value, (uint32_t)sysconf(_SC_PAGESIZE), err);
}

static bool take_name(struct options *options, const char *value, struct err *err)
{
	return choice_set_name(&options->choice, value, err);
}

static bool take_size(const char *name, const char *value, uint64_t *bytes, struct err *err)
{
	if (size_parse(value, bytes))
		return true;
	err_set(err, ERR_USAGE, "--%s: '%s' is no size", name, value);
	return err_hint(err, "give bytes, or a number with K, M, G or T: 64K, 1.5G");
}

static bool take_min_resident(struct options *options, const char *value, struct err *err)
{
	return take_size("min-resident", value, &options->choice.least_resident, err);
}

static bool take_max_size(struct options *options, const char *value, struct err *err)
{
	if (!take_size("max-size", value, &options->choice.most_bytes, err))
		return false;
	return options->choice.most_bytes > 0 ||
		   err_set(err, ERR_USAGE, "--max-size: nothing fits in %s", value);
}

static bool take_reserve_disk(struct options *options, const char *value, struct err *err)
{
	return take_size("reserve-disk", value, &options->reserve_disk, err);
}

static bool take_swap(struct options *options, const char *value, struct err *err)
{
	options->choice.read_swapped = strcmp(value, "read") == 0;
	if (options->choice.read_swapped || strcmp(value, "skip") == 0)
		return true;
	return err_set(err, ERR_USAGE, "--swap: '%s' is neither skip nor read", value);
}

static bool take_compress(struct options *options, const char *value, struct err *err)
{
	bool zstd = strncmp(value, "zstd", 4) == 0;
	const char *level = zstd && value[4] == ':' ? value + 5 : NULL;
	char *end = NULL;

	if (strcmp(value, "none") == 0) {
		options->compress = COMPRESS_NONE;
		return true;
	}
	options->compress = COMPRESS_ZSTD;
	if (zstd && value[4] == '\0')
		return true;
	options->level = level ? (int)strtol(level, &end, 10) : 0;
	if (level && *level && *end == '\0' && options->level >= LEAST_LEVEL &&
		options->level <= MOST_LEVEL)
		return true;
	err_set(err, ERR_USAGE, "--compress: '%s' is neither none, zstd nor zstd:LEVEL", value);
	return err_hint(err, "levels go from %d (fastest) to %d (smallest)", LEAST_LEVEL, MOST_LEVEL);
}

static bool take_dry_run(struct options *options, const char *value, struct err *err)
{
	(void)value, (void)err;
	return options->dry_run = true;
}

static bool take_quiet(struct options *options, const char *value, struct err *err)
{
	(void)value, (void)err;
	return options->quiet = true;
}

static bool take_progress(struct options *options, const char *value, struct err *err)
{
	(void)value, (void)err;
	return options->progress = true;
}

static bool take_json(struct options *options, const char *value, struct err *err)
{
	(void)value, (void)err;
	return options->json = true;
}

static bool take_help(struct options *options, const char *value, struct err *err)
{
	(void)value, (void)err;
	options->command = options->command == COMMAND_WATCH ? COMMAND_HELP_WATCH : COMMAND_HELP;
	return true;
}

static bool take_version(struct options *options, const char *value, struct err *err)
{
	(void)value, (void)err;
	options->command = COMMAND_VERSION;
	return true;
}

static const struct option_row rows[] = {
	{ 'o', "output", "FILE",
	  "where to write; '-' is stdout\n(default ./COMM.PID.UTC.core.zst); FILE must not exist",
	  take_output },
	{ 'c', "consistency", "HOW",
	  "auto (default): the shortest stop that can be had here\n"
	  "precopy, fork: a moment of the process, stopped for ms\n"
	  "freeze: stop it while it is read; live: do not stop it",
	  take_consistency },
	{ 'p', "max-pause", "MS", "rather another way, or none, than a longer stop", take_max_pause },
	{ 0, "spool", "DIR", "where precopy keeps what a stream or .zst will get", take_spool },
	{ 's', "select", "WHAT",
	  "native (default), all, or a comma list of heap, stacks,\n"
	  "anon, data, modules, vdso, files, shared, java, dontdump",
	  take_select },
	{ 0, "range", "A-B", "only these addresses, whatever is there; may be repeated", take_range },
	{ 0, "name", "REGEX", "only mappings whose path in /proc/PID/maps matches", take_name },
	{ 0, "min-resident", "SIZE", "leave out mappings with less in memory", take_min_resident },
	{ 0, "max-size", "SIZE",
	  "at most so much memory: stacks and module data first, then\n"
	  "heaps, other private memory, and the rest",
	  take_max_size },
	{ 0, "swap", "HOW", "skip (default), or read: brings swapped pages back", take_swap },
	{ 0, "reserve-disk", "SIZE", "leave so much of the disk free (default 1G, at most 5 %)",
	  take_reserve_disk },
	{ 'z', "compress", "HOW",
	  "none, zstd or zstd:LEVEL (default zstd:1 for stdout and\n"
	  "for names ending in .zst, else none)",
	  take_compress },
	{ 'n', "dry-run", NULL, "say what would be captured, and stop there", take_dry_run },
	{ 'q', "quiet", NULL, "only errors", take_quiet },
	{ 0, "progress", NULL, "show progress even where stderr is no terminal", take_progress },
	{ 0, "json", NULL, "status and errors on stderr as JSON, one object a line", take_json },
	{ 'h', "help", NULL, "this text", take_help },
	{ 'V', "version", NULL, "the version", take_version },
};

enum { ROWS = sizeof rows / sizeof *rows };

/* Of both tables; NULL behind the last one. */
static const struct option_row *row_at(size_t index)
{
	if (index < ROWS)
		return &rows[index];
	return index - ROWS < WATCH_OPTION_ROWS ? &watch_option_rows[index - ROWS] : NULL;
}

/* Gives the row's name for options->watch_only where only a watch takes it. */
static const char *watch_name(const struct option_row *row)
{
	for (size_t i = 0; i < WATCH_OPTION_ROWS; i++)
		if (row == &watch_option_rows[i])
			return row->name;
	return NULL;
}

static const struct option_row *find_long(const char *name, size_t length)
{
	const struct option_row *row;

	for (size_t i = 0; (row = row_at(i)); i++)
		if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
			return row;
	return NULL;
}

static const struct option_row *find_letter(char letter)
{
	for (size_t i = 0; i < ROWS; i++)
		if (letter && rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

static bool refuse_unknown(const char *word, struct err *err)
{
	const char *names[ROWS + WATCH_OPTION_ROWS + 1] = { NULL }, *near;

	for (size_t i = 0; row_at(i); i++)
		names[i] = row_at(i)->name;
	near = word[1] == '-' ? text_nearest(word + 2, names) : NULL;
	err_set(err, ERR_USAGE, "unknown option '%s'", word);
	return near ? err_hint(err, "did you mean --%s?", near) : err_hint(err, "see dumpcore --help");
}

struct words {
	int count;
	char **items;
	int at; /* the next word */
};

static const char *next_word(struct words *words)
{
	return words->at < words->count ? words->items[words->at++] : NULL;
}

/* "--name", "--name value", "--name=value". */
static bool take_long(struct options *options, const char *word, struct words *words,
					  struct err *err)
{
	size_t length = strcspn(word + 2, "=");
	const struct option_row *row = find_long(word + 2, length);
	const char *value = word[2 + length] ? word + 2 + length + 1 : NULL;

	if (!row)
		return refuse_unknown(word, err);
	if (!row->argument && value)
		return err_set(err, ERR_USAGE, "--%s takes no value", row->name);
	if (row->argument && !value)
		value = next_word(words);
	if (row->argument && !value)
		return err_set(err, ERR_USAGE, "--%s needs a value: %s", row->name, row->argument);
	if (!options->watch_only)
		options->watch_only = watch_name(row);
	return row->take(options, value, err);
}

/* "-n", "-nq", "-o value", "-ovalue". */
static bool take_short(struct options *options, const char *word, struct words *words,
					   struct err *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_row *row = find_letter(*letter);
		const char *value = NULL;

		if (!row)
			return refuse_unknown(word, err);
		if (row->argument) {
			value = letter[1] ? letter + 1 : next_word(words);
			if (!value)
				return err_set(err, ERR_USAGE, "-%c needs a value: %s", *letter, row->argument);
			return row->take(options, value, err);
		}
		row->take(options, NULL, err);
	}
	return true;
}

static bool take_pid(struct options *options, const char *word, struct err *err)
{
	char *end;
	long value = strtol(word, &end, 10);

	if (word[0] < '0' || word[0] > '9' || *end || value < 1 || value > INT32_MAX) {
		err_set(err, ERR_USAGE, "'%s' is neither a process id nor 'survey' nor 'watch'", word);
		return err_hint(err, "find the id with: pgrep -a %s", word[0] == '-' ? "NAME" : word);
	}
	if (options->pid) {
		err_set(err, ERR_USAGE, "two process ids: %d and %s", (int)options->pid, word);
		return err_hint(err, "one capture is of one process");
	}
	options->pid = (pid_t)value;
	return true;
}

static bool take_command(struct options *options, const char *word)
{
	static const char *const names[] = {
		[COMMAND_SURVEY] = "survey", [COMMAND_WATCH] = "watch", [COMMAND_CLEANUP] = "cleanup"
	};

	if (options->pid || options->command != COMMAND_CAPTURE)
		return false;
	for (enum options_command i = COMMAND_SURVEY; i <= COMMAND_CLEANUP; i++)
		if (strcmp(word, names[i]) == 0)
			options->command = i;
	return options->command != COMMAND_CAPTURE;
}

static bool take_word(struct options *options, const char *word, struct words *words,
					  struct err *err)
{
	if (word[0] == '-' && word[1] == '-' && word[2])
		return take_long(options, word, words, err);
	if (word[0] == '-' && word[1])
		return take_short(options, word, words, err);
	if (take_command(options, word))
		return true;
	return take_pid(options, word, err);
}

/* An error is told as JSON also where that is asked for behind it. */
static void find_json(struct options *options, struct words *words)
{
	const char *word;

	while ((word = next_word(words)))
		options->json |= strcmp(word, "--json") == 0;
}

bool options_parse(struct options *options, int argc, char **argv, struct err *err)
{
	struct words words = { argc, argv, 1 };
	const char *word;

	*options = (struct options){ .consistency = "auto", .select = "native" };
	options->level = DEFAULT_LEVEL;
	watch_options_init(&options->watch);
	options->reserve_disk = DISK_RESERVE_DEFAULT;
	while ((word = next_word(&words)))
		if (!take_word(options, word, &words, err)) {
			find_json(options, &words);
			return false;
		}
	if (options->command >= COMMAND_HELP)
		return true;
	if (options->pid)
		return watch_options_check(options, err);
	err_set(err, ERR_USAGE, "no process id");
	return err_hint(err, "dumpcore PID; see dumpcore --help");
}

void options_deinit(struct options *options)
{
	choice_deinit(&options->choice);
}

enum { HELP_COLUMN = 22 };

static void help_row(const struct option_row *row, struct strbuf *out)
{
	size_t start = out->size;
	const char *line = row->help;

	if (row->letter)
		strbuf_printf(out, "  -%c, ", row->letter);
	else
		strbuf_puts(out, "      ");
	strbuf_printf(out, "--%s%s%s", row->name, row->argument ? " " : "",
				  row->argument ? row->argument : "");
	while (line) {
		size_t length = strcspn(line, "\n"), used = out->size - start;

		if (used > HELP_COLUMN - 1) {
			strbuf_putc(out, '\n');
			used = 0;
		}
		strbuf_pad(out, ' ', HELP_COLUMN - used);
		strbuf_add(out, line, length);
		strbuf_putc(out, '\n');
		start = out->size;
		line = line[length] ? line + length + 1 : NULL;
	}
}

void options_help(struct strbuf *out)
{
	strbuf_puts(out,
				"usage: dumpcore [OPTIONS] PID          capture the process's memory\n"
				"       dumpcore survey [OPTIONS] PID   what its memory is made of, and what a\n"
				"                                       capture would take\n"
				"       dumpcore cleanup PID            what a killed capture may have left\n"
				"       dumpcore watch [OPTIONS] PID    capture when it has grown; options:\n"
				"                                       dumpcore watch --help\n\n");
	for (size_t i = 0; i < ROWS; i++)
		help_row(&rows[i], out);
	strbuf_puts(out, "\nExamples\n"
					 "  dumpcore survey 4711\n"
					 "  dumpcore -o /var/tmp/app.core.zst 4711\n"
					 "  dumpcore -o - 4711 | ssh laptop 'cat >app.core.zst'\n"
					 "  dumpcore --consistency live --select heap,anon 4711\n"
					 "\nThe archive holds the process's memory, secrets included. Read it with\n"
					 "`analyze FILE`; `zstd -d --sparse FILE` makes a plain core for gdb.\n"
					 "Exit status: 0 complete, 1 failed, 2 usage, 3 partial archive kept.\n");
}

void options_help_watch(struct strbuf *out)
{
	strbuf_puts(out,
				"usage: dumpcore watch [OPTIONS] PID     capture when it happens\n\n"
				"Captures when the first of --rss, --growth, --cgroup and --pressure that are\n"
				"given fires.\n\n");
	for (size_t i = 0; i < WATCH_OPTION_ROWS; i++)
		help_row(&watch_option_rows[i], out);
	strbuf_puts(out,
				"  -o, --output FOLDER where the archives go (default .)\n"
				"      and all options of a capture: dumpcore --help\n"
				"\nTIME is 100ms, 5s, 10m, 2h or 1d; SIZE is 500M or 6G.\n"
				"\nExamples\n"
				"  dumpcore watch 4711 --rss 6G -o /var/tmp\n"
				"  dumpcore watch 4711 --growth 500M/10m --cgroup 90% --count 3 --keep 5\n"
				"\nA trigger that a capture was made for waits until its value was below 95 %\n"
				"of the threshold, or the RSS is 10 % above that at the capture.\n"
				"Exit status: 0 a complete capture was kept, 1 none, 2 usage, 3 a partial one.\n");
}

void options_command_line(int argc, char **argv, struct strbuf *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
								"-_./:,=+@%";

	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (i)
			strbuf_putc(out, ' ');
		if (*word && word[strspn(word, plain)] == '\0') {
			strbuf_puts(out, word);
			continue;
		}
		strbuf_putc(out, '\'');
		for (; *word; word++)
			*word == '\'' ? strbuf_puts(out, "'\\''") : strbuf_putc(out, *word);
		strbuf_putc(out, '\'');
	}
}
