/* options: the command line, as rows of two tables: commands, and options with the commands that
 * take them. The same tables make the help. */
#ifndef ANALYZE_OPTIONS_H
#define ANALYZE_OPTIONS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum command {
	COMMAND_REPORT,
	COMMAND_CHUNKS,
	COMMAND_HITS,
	COMMAND_SHOW,
	COMMAND_VERIFY,
	COMMAND_RULES, /* of no verb: an error, or the help of all of them */
	COMMAND_RULES_LIST,
	COMMAND_RULES_CHECK,
	COMMAND_RULES_TEST,
	COMMAND_RULES_SAMPLES,
	COMMAND_RULES_EXPLAIN,
	COMMAND_RULES_SUGGEST,
	COMMAND_RULES_NEW,
	COMMANDS
};

enum report_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN };

/* --reach: which live chunks are wanted. */
enum option_reach { REACH_ANY, REACH_ONLY_ANCHORED, REACH_ONLY_UNREACHABLE };

typedef VEC(const char *) option_texts; /* point into argv */

/* Rows of a list of `analyze show` where --limit does not say. */
enum { OPTIONS_LIMIT = 20 };

struct options {
	enum command command;
	option_texts operands; /* FILE; of show: FILE, ADDRESS; of rules: what the synopsis says */
	bool help, version;
	bool has_command; /* false: nothing but options was given */

	enum report_format format;
	const char *output; /* NULL or "-": stdout */
	option_texts rules; /* --rules, as often as given; "none" alone is none */
	unsigned states;    /* --state, a bit for each enum chunk_state; 0: not given */
	bool has_arena;
	uint64_t arena;
	const char *rule; /* --rule; NULL: not given */
	const char *find; /* --find; NULL: not given */
	uint64_t min_bytes;
	bool rule_stats;         /* --rule-stats */
	bool references;         /* --references, or --reach */
	enum option_reach reach; /* --reach */
	uint64_t limit;          /* --limit; OPTIONS_LIMIT where not given */
	bool reveal;             /* --reveal */
	bool ndjson, json, strict, quiet, progress;
	unsigned threads;         /* workers; 0: not given */
	const char *command_line; /* as typed, words quoted where a shell needs it; options_deinit */
};

/* Reads the command line. False is a usage error: what is wrong and, where a name is near, what was
 * meant. Nothing of a failed parse but `command` and `has_command` is to be used. The caller ends
 * with options_deinit in every case. */
bool options_parse(struct options *options, int argc, char **argv, struct err *err);
void options_deinit(struct options *options);

/* "report", "rules list", …: as it is typed. */
const char *options_command_name(enum command command);

/* Appends the help of the program, or of one command. */
void options_help(struct strbuf *out);
void options_help_command(enum command command, struct strbuf *out);

#endif
