#include "analyze/option_table.h"

#include <string.h>

#define BIT(command) OPTION_BIT(command)
#define LISTS (BIT(COMMAND_CHUNKS) | BIT(COMMAND_HITS))
#define AUTHOR_READS_CORE (BIT(COMMAND_RULES_EXPLAIN) | BIT(COMMAND_RULES_SUGGEST))
#define USES_RULES (BIT(COMMAND_REPORT) | LISTS | BIT(COMMAND_SHOW) | AUTHOR_READS_CORE)
#define LOOKS_AT_RULES                                                              \
	(BIT(COMMAND_RULES_LIST) | BIT(COMMAND_RULES_CHECK) | BIT(COMMAND_RULES_TEST) | \
	 BIT(COMMAND_RULES_SAMPLES))
#define READS_CORE (USES_RULES | BIT(COMMAND_VERIFY))
#define EVERY (BIT(COMMANDS) - 1)

const struct option option_table[OPTION_COUNT] = {
	{ "format", 'f', "FORMAT", BIT(COMMAND_REPORT) | BIT(COMMAND_SHOW), FORMAT,
	  offsetof(struct options, format), "text (default), json or markdown (of a report)" },
	{ "output", 'o', "OUT", BIT(COMMAND_REPORT), TEXT, offsetof(struct options, output),
	  "write to OUT, readable by its owner only; - is stdout" },
	{ "rules", 'r', "PATH", USES_RULES, TEXTS, offsetof(struct options, rules),
	  "rule file or folder, may be repeated; none: no rules" },
	{ "strict", 0, NULL, USES_RULES | LOOKS_AT_RULES, FLAG, offsetof(struct options, strict),
	  "a bad rule is an error; without, it disables itself" },
	{ "rule-stats", 0, NULL, BIT(COMMAND_REPORT), FLAG, offsetof(struct options, rule_stats),
	  "what each rule cost: processor time, keywords, confirms" },
	{ "references", 0, NULL, BIT(COMMAND_REPORT) | BIT(COMMAND_CHUNKS), FLAG,
	  offsetof(struct options, references), "follow pointers: which live chunks nothing holds" },
	{ "reach", 0, "WHICH", BIT(COMMAND_CHUNKS), REACH, offsetof(struct options, reach),
	  "only live chunks that are anchored, or unreachable" },
	{ "limit", 'n', "N", BIT(COMMAND_SHOW) | AUTHOR_READS_CORE, NUMBER,
	  offsetof(struct options, limit), "rows of each list, or rules (default: 20)" },
	{ "reveal", 0, NULL, BIT(COMMAND_SHOW) | BIT(COMMAND_RULES_SUGGEST), FLAG,
	  offsetof(struct options, reveal), "show what is redacted, on a terminal only" },
	{ "state", 's', "LIST", LISTS, STATES, offsetof(struct options, states),
	  "only chunks in these states, separated by commas" },
	{ "arena", 'a', "N", BIT(COMMAND_CHUNKS), NUMBER, offsetof(struct options, arena),
	  "only chunks of arena N of the report" },
	{ "rule", 0, "ID", LISTS, TEXT, offsetof(struct options, rule),
	  "only hits of rule ID (namespace.id), or chunks that have one" },
	{ "min-size", 'm', "SIZE", BIT(COMMAND_CHUNKS), SIZE, offsetof(struct options, min_bytes),
	  "only chunks of SIZE bytes or more: 4096, 64K, 1.5M" },
	{ "ndjson", 0, NULL, LISTS, FLAG, offsetof(struct options, ndjson), "one JSON object a line" },
	{ "find", 0, "WORD", BIT(COMMAND_RULES_LIST), TEXT, offsetof(struct options, find),
	  "only rules with WORD in id, title, tags or description" },
	{ "json", 0, NULL, LOOKS_AT_RULES | BIT(COMMAND_RULES_EXPLAIN), FLAG,
	  offsetof(struct options, json), "as JSON, for editors and CI" },
	{ "threads", 't', "N", READS_CORE, THREADS, offsetof(struct options, threads),
	  "number of worker threads (default: processors)" },
	{ "quiet", 'q', NULL, EVERY, FLAG, offsetof(struct options, quiet),
	  "no progress, no warnings" },
	{ "progress", 0, NULL, READS_CORE, FLAG, offsetof(struct options, progress),
	  "progress on stderr even where that is no terminal" },
	{ "help", 'h', NULL, EVERY, FLAG, offsetof(struct options, help), "this help" },
	{ "version", 'V', NULL, EVERY, FLAG, offsetof(struct options, version), "the version" },
};

const struct option *option_find(const char *name, size_t length)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strlen(option_table[i].name) == length &&
			strncmp(option_table[i].name, name, length) == 0)
			return &option_table[i];
	return NULL;
}

const struct option *option_find_letter(char letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].letter == letter && letter)
			return &option_table[i];
	return NULL;
}
