/* options: the command line. One table describes every option; the parser and --help both follow
 * it. */
#ifndef DUMPCORE_OPTIONS_H
#define DUMPCORE_OPTIONS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "dumpcore/choice.h"
#include "dumpcore/disk.h"
#include "dumpcore/watch.h"

#include <stdbool.h>
#include <sys/types.h>

enum options_command {
	COMMAND_CAPTURE,
	COMMAND_SURVEY,
	COMMAND_WATCH,
	COMMAND_CLEANUP,
	COMMAND_HELP,
	COMMAND_HELP_WATCH,
	COMMAND_VERSION
};

enum options_compress { COMPRESS_BY_NAME, COMPRESS_NONE, COMPRESS_ZSTD };

/* Strings are the arguments' own. */
struct options {
	enum options_command command;
	pid_t pid;
	const char *output;      /* NULL: a name is made; "-": stdout */
	const char *consistency; /* "auto", or a name of the snapshot table */
	const char *spool;       /* NULL: not given */
	int64_t most_pause_ns;   /* 0: not given */
	const char *select;
	struct choice choice;  /* what narrows it; its selection is not filled yet */
	uint64_t reserve_disk; /* bytes, or DISK_RESERVE_DEFAULT */
	enum options_compress compress;
	int level; /* of zstd */
	bool dry_run;
	bool quiet;
	bool progress; /* also where stderr is no terminal */
	bool json;
	struct watch_settings watch;
	const char *watch_only; /* name of an option given that only watch takes; NULL: none */
};

/* Reads argv (argv[0] is skipped). ERR_USAGE with the next step on a mistake. The caller ends with
 * options_deinit in every case. */
bool options_parse(struct options *options, int argc, char **argv, struct err *err);

void options_deinit(struct options *options);

/* Appends the text of --help: fits a screen of 80 columns. */
void options_help(struct strbuf *out);

/* Appends the text of `watch --help`. */
void options_help_watch(struct strbuf *out);

/* Appends the command line as it could be typed again, quoted where it must be. */
void options_command_line(int argc, char **argv, struct strbuf *out);

#endif
